-- purpose: primary keys, unique and exclusion constraints, then foreign keys (the planner uses all of them)
-- reads:   pg_constraint, pg_class
-- locks:   none
select pg_catalog.format('constraint %s on %s.%s', k.conname, n.nspname, c.relname) as object,
       pg_catalog.format('alter table %I.%I add constraint %I %s%s', n.nspname, c.relname, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid),
                         -- Validation would plan a query and read the indexes before they have their size.
                         case when k.contype = 'f' and k.convalidated and c.relkind = 'r' then ' not valid' else '' end) as ddl
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p', 'm')
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype in ('p', 'u', 'x', 'f') and k.conparentid = 0
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by k.contype = 'f', k.oid
