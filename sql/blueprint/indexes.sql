-- purpose: indexes that back no constraint, with the table's own definition
-- reads:   pg_index, pg_class, pg_constraint
-- locks:   none
select pg_catalog.format('index %s.%s', n.nspname, i.relname) as object,
       pg_catalog.pg_get_indexdef(x.indexrelid)                as ddl
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class t on t.oid = x.indrelid and t.relkind in ('r', 'm')
join pg_catalog.pg_namespace n on n.oid = i.relnamespace
where x.indisvalid and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))
order by x.indexrelid
