-- purpose: every table below a partitioned one, top down
-- reads:   pg_class, pg_namespace, pg_partition_tree()
-- locks:   ACCESS SHARE on the tree while it is read
select n.nspname::pg_catalog.text  as schema,
       c.relname::pg_catalog.text  as name,
       pn.nspname::pg_catalog.text as parent_schema,
       p.relname::pg_catalog.text  as parent,
       t.level                     as level,
       t.isleaf                    as is_leaf
from pg_catalog.pg_class as top
join pg_catalog.pg_namespace as tn on tn.oid = top.relnamespace
cross join lateral pg_catalog.pg_partition_tree(top.oid) as t
join pg_catalog.pg_class as c on c.oid = t.relid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_class as p on p.oid = t.parentrelid
join pg_catalog.pg_namespace as pn on pn.oid = p.relnamespace
where tn.nspname = $1::pg_catalog.text
  and top.relname = $2::pg_catalog.text
  and t.level > 0
order by t.level, 1, 2
