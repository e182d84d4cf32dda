-- purpose: of the named B-trees the leading column or expression and its type, where the tree stores that type itself
-- reads:   pg_class, pg_index, pg_attribute, pg_type, pg_opclass
-- locks:   none
with recursive domains (oid, base) as (
  select t.oid, t.typbasetype from pg_catalog.pg_type t where t.typtype = 'd'
  union all
  select d.oid, t.typbasetype from domains d join pg_catalog.pg_type t on t.oid = d.base where t.typtype = 'd'
)
select w.place                                       as place,
       x.indrelid                                    as table_oid,
       pg_catalog.pg_get_indexdef(c.oid, 1, false)   as leading,
       t.oid                                         as type_oid,
       pg_catalog.format_type(t.oid, null)           as type_name,
       t.typlen                                      as length
from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) with ordinality as w (schema, name, place)
join pg_catalog.pg_namespace n on n.nspname = w.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relam = 403 and c.relkind = 'i'
join pg_catalog.pg_index x on x.indexrelid = c.oid and x.indpred is null
join pg_catalog.pg_opclass o on o.oid = x.indclass[0] and o.opcdefault
join pg_catalog.pg_attribute i on i.attrelid = c.oid and i.attnum = 1
left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0] and a.attnum > 0
left join domains d on d.oid = i.atttypid and not exists (select from pg_catalog.pg_type b where b.oid = d.base and b.typtype = 'd')
join pg_catalog.pg_type t on t.oid = coalesce(d.base, i.atttypid) and t.typtype <> 'd'
where a.attnum is null or (a.atttypid = i.atttypid and a.attcollation = x.indcollation[0])
order by w.place
