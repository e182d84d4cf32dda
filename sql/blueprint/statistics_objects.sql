-- purpose: CREATE STATISTICS
-- reads:   pg_statistic_ext, pg_class, pg_depend
-- locks:   none
select pg_catalog.format('statistics %s.%s', n.nspname, s.stxname) as object,
       pg_catalog.pg_get_statisticsobjdef(s.oid)                   as ddl
from pg_catalog.pg_statistic_ext s
join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
join pg_catalog.pg_class c on c.oid = s.stxrelid and c.relpersistence <> 't'
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by s.oid
