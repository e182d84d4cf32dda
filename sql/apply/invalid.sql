-- purpose: INVALID indexes of this database, whoever left them
-- reads:   pg_index, pg_class, pg_namespace
-- locks:   none
select i.indexrelid                              as oid,
       n.nspname::pg_catalog.text                as schema,
       c.relname::pg_catalog.text                as name,
       t.relname::pg_catalog.text                as table_name,
       i.indisready                              as ready,
       i.indisunique                             as "unique",
       pg_catalog.pg_relation_size(i.indexrelid) as size_bytes
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relkind = 'i'
join pg_catalog.pg_class as t on t.oid = i.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where not i.indisvalid
order by i.indisunique and i.indisready desc, 2, 3
