-- purpose: sizes of tables, their TOAST and indexes
-- reads:   the file system, through pg_relation_size
-- locks:   AccessShareLock on each relation for a moment: fails after lock_timeout where one is locked exclusively
select c.oid,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0) as size_bytes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'i', 't')
  and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema')
order by c.oid
