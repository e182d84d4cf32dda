-- purpose: how large a table is: rows as of the last ANALYZE, pages then and now, TOAST
-- reads:   pg_class; the file system, through pg_relation_size
-- locks:   AccessShareLock on the table and its TOAST for a moment
select c.reltuples::pg_catalog.float8                                                       as rows,
       c.relpages::pg_catalog.int8                                                          as pages,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0)                                      as size_bytes,
       coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, '0'::pg_catalog.oid)), 0) as toast_bytes
from pg_catalog.pg_class as c
where c.oid = $1::pg_catalog.oid
order by 1
