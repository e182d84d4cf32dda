-- purpose: foreign keys with their columns in key order; those that a partition inherits are left out
-- reads:   pg_constraint
-- locks:   none
select k.conname::pg_catalog.text                          as name,
       cn.nspname::pg_catalog.text                         as child_schema,
       c.relname::pg_catalog.text                          as child_name,
       pn.nspname::pg_catalog.text                         as parent_schema,
       p.relname::pg_catalog.text                          as parent_name,
       k.confdeltype::pg_catalog.text                      as on_delete,
       array(select a.attname::pg_catalog.text
             from pg_catalog.unnest(k.conkey) with ordinality u (number, place)
             join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
             order by u.place)                             as child_columns,
       array(select a.attname::pg_catalog.text
             from pg_catalog.unnest(k.confkey) with ordinality u (number, place)
             join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
             order by u.place)                             as parent_columns
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f'
  and k.conparentid = 0
  and c.relpersistence <> 't'
  and cn.nspname !~ '^pg_'
  and cn.nspname <> 'information_schema'
order by cn.nspname, c.relname, k.conname
