-- purpose: views with their options (security_barrier matters to the planner)
-- reads:   pg_class, pg_rewrite (through pg_get_viewdef)
-- locks:   AccessShare on what a view names, for an instant
select pg_catalog.format('view %s.%s', n.nspname, c.relname) as object,
       pg_catalog.format('create view %I.%I%s as %s', n.nspname, c.relname,
         (select pg_catalog.format(' with (%s)', pg_catalog.string_agg(pg_catalog.format('%I = %L',
                   pg_catalog.split_part(o, '=', 1), pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', '))
          from pg_catalog.unnest(c.reloptions) o having pg_catalog.count(*) > 0),
         pg_catalog.pg_get_viewdef(c.oid)) as ddl
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and c.relpersistence <> 't' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
