-- purpose: the index just built and, on a partitioned table, its partitions
-- reads:   pg_inherits, pg_index, pg_class
-- locks:   none
with recursive tree as (
  select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
  union all
  select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid
)
select tree.oid                       as oid,
       n.nspname::pg_catalog.text     as schema,
       c.relname::pg_catalog.text     as name,
       t.relname::pg_catalog.text     as table
from tree
join pg_catalog.pg_class c on c.oid = tree.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_index x on x.indexrelid = tree.oid
join pg_catalog.pg_class t on t.oid = x.indrelid
order by tree.oid
