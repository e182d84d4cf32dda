-- purpose: foreign keys (the planner uses them for the size of joins)
-- reads:   pg_constraint, pg_class, pg_depend
-- locks:   none
-- A partition has its parent's by being one.
select pg_catalog.format('constraint %s on %s.%s', k.conname, n.nspname, c.relname) as object,
       pg_catalog.format('alter table %I.%I add constraint %I %s%s', n.nspname, c.relname, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid),
                         -- Validation would plan a query and read the indexes before they have their size.
                         case when k.convalidated and c.relkind = 'r' then ' not valid' else '' end) as ddl
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p') and c.relpersistence <> 't'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by k.oid
