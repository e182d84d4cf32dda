-- purpose: a table by name
-- reads:   pg_class
-- locks:   none
select c.oid as oid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
order by c.oid
