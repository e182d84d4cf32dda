-- purpose: every index of the copied schemas under the index it hangs from: itself, or the topmost partitioned one
-- reads:   pg_index, pg_class, pg_inherits
-- locks:   none
with recursive tree as (
  select x.indexrelid as oid, x.indexrelid as root
  from pg_catalog.pg_index x
  where not exists (select from pg_catalog.pg_inherits i where i.inhrelid = x.indexrelid)
  union all
  select i.inhrelid, tree.root from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid
)
select tree.oid                            as oid,
       rn.nspname::pg_catalog.text         as root_schema,
       r.relname::pg_catalog.text          as root_name,
       n.nspname::pg_catalog.text          as schema,
       c.relname::pg_catalog.text          as name,
       tn.nspname::pg_catalog.text         as table_schema,
       t.relname::pg_catalog.text          as table_name,
       c.relkind = 'i'                     as has_storage
from tree
join pg_catalog.pg_class c on c.oid = tree.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class r on r.oid = tree.root
join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
join pg_catalog.pg_index x on x.indexrelid = tree.oid
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by tree.oid
