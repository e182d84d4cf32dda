-- purpose: views
-- reads:   pg_class, pg_rewrite (through pg_get_viewdef)
-- locks:   AccessShare on what a view names, for an instant
select pg_catalog.format('view %s.%s', n.nspname, c.relname)                                            as object,
       pg_catalog.format('create view %I.%I as %s', n.nspname, c.relname, pg_catalog.pg_get_viewdef(c.oid)) as ddl
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
