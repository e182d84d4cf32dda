-- purpose: every table below a partitioned one, top down. Without locks, unlike pg_partition_tree(): a partition that somebody holds must not hold up the look
-- reads:   pg_class, pg_namespace, pg_inherits
-- locks:   none
with recursive tree as (
  select c.oid, null::pg_catalog.oid as above, 0 as level
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text and c.relkind = 'p'
  union all
  select h.inhrelid, h.inhparent, t.level + 1
  from tree as t
  join pg_catalog.pg_inherits as h on h.inhparent = t.oid
  -- Of a partition on its way out (14+).
  where coalesce(pg_catalog.to_jsonb(h) ->> 'inhdetachpending', 'false') = 'false'
)
select c.oid                       as oid,
       n.nspname::pg_catalog.text  as schema,
       c.relname::pg_catalog.text  as name,
       pn.nspname::pg_catalog.text as parent_schema,
       p.relname::pg_catalog.text  as parent,
       t.level                     as level,
       c.relkind <> 'p'            as is_leaf
from tree as t
join pg_catalog.pg_class as c on c.oid = t.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_class as p on p.oid = t.above
join pg_catalog.pg_namespace as pn on pn.oid = p.relnamespace
where t.level > 0
order by t.level, 2, 3
