-- purpose: INVALID indexes of this database, whoever left them
-- reads:   pg_index, pg_class, pg_namespace
-- locks:   none
select i.indexrelid                as oid,
       n.nspname::pg_catalog.text  as schema,
       c.relname::pg_catalog.text  as name,
       i.indisready                as ready
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relkind = 'i'
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where not i.indisvalid
order by 2, 3
