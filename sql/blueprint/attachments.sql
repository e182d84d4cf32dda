-- purpose: ALTER INDEX … ATTACH PARTITION
-- reads:   pg_inherits, pg_index, pg_class
-- locks:   none
select pg_catalog.format('attachment of index %s.%s', cn.nspname, c.relname) as object,
       pg_catalog.format('alter index %I.%I attach partition %I.%I', pn.nspname, p.relname, cn.nspname, c.relname) as ddl
from pg_catalog.pg_inherits i
join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relkind in ('i', 'I')
join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = i.inhparent
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
join pg_catalog.pg_index x on x.indexrelid = p.oid and x.indisvalid
where cn.nspname not like 'pg\_%' and cn.nspname <> 'information_schema'
order by c.oid
