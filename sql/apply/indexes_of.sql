-- purpose: every index of a table with its state, to find what covers a new one and what others left INVALID
-- reads:   pg_index, pg_class, pg_namespace, pg_stat_progress_create_index
-- locks:   none
select n.nspname::pg_catalog.text                     as schema,
       c.relname::pg_catalog.text                     as name,
       pg_catalog.pg_get_indexdef(i.indexrelid)       as definition,
       i.indisvalid and i.indisready and i.indislive  as usable,
       -- Without rights a builder's index is NULL: whoever builds here may be building this one.
       exists (select from pg_catalog.pg_stat_progress_create_index as p
               where p.datname = pg_catalog.current_database() and coalesce(p.index_relid, i.indexrelid) = i.indexrelid) as building
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where i.indrelid = $1::pg_catalog.oid
order by 1, 2
