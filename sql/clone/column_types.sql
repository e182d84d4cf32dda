-- purpose: the columns of a table with their types
-- reads:   pg_attribute, pg_class, pg_namespace
-- locks:   none
select a.attname::pg_catalog.text                      as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::pg_catalog.text
  and c.relname = $2::pg_catalog.text
  and a.attnum > 0
  and not a.attisdropped
order by a.attnum
