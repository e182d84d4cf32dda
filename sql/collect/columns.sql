-- purpose: columns with their types
-- reads:   pg_attribute, pg_type
-- locks:   none
select a.attrelid                                          as table_oid,
       a.attnum                                            as number,
       a.attname::pg_catalog.text                          as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod)     as type_name,
       -- A domain carries its base type's category.
       t.typcategory::pg_catalog.text                      as category,
       a.attnotnull                                        as not_null
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_type t on t.oid = a.atttypid
where a.attnum > 0
  and not a.attisdropped
  -- Virtual columns (version 18 on) are stored nowhere and no index can have them.
  and a.attgenerated <> 'v'
  and c.relkind in ('r', 'p', 'm', 'f', 'v')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by a.attrelid, a.attnum
