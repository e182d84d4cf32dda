-- purpose: rewrite rules other than views', where they are in force
-- reads:   pg_rewrite, pg_class, pg_depend
-- locks:   AccessShare on what a rule names, for an instant
select pg_catalog.format('rule %s on %s.%s', r.rulename, n.nspname, c.relname) as object,
       pg_catalog.pg_get_ruledef(r.oid)                                        as ddl
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid = r.ev_class and c.relpersistence <> 't'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and r.ev_enabled in ('O', 'A')
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where (d.classid, d.objid) in (('pg_catalog.pg_class'::pg_catalog.regclass, c.oid),
                                                 ('pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid)) and d.deptype = 'e')
order by r.oid
