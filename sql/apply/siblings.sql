-- purpose: the usable indexes of a table, to find one that is equal already; a deferrable constraint's is not immediate
-- reads:   pg_index, pg_class, pg_namespace
-- locks:   none
select n.nspname::pg_catalog.text               as schema,
       c.relname::pg_catalog.text               as name,
       i.indimmediate                           as immediate,
       pg_catalog.pg_get_indexdef(i.indexrelid) as definition
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where i.indrelid = $1::pg_catalog.oid and i.indisvalid and i.indisready and i.indislive
order by 2
