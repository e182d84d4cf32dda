-- purpose: where a table lies
-- reads:   pg_class
-- locks:   AccessShare on the table, for an instant
select pg_catalog.pg_relation_filepath(c.oid) as path
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
order by c.oid
