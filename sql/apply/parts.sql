-- purpose: the partitions right below a table with their indexes, and which of these is attached to one index of the table. Without locks: a partition that somebody holds must not hold up the look
-- reads:   pg_inherits, pg_class, pg_namespace, pg_index
-- locks:   none
select n.nspname::pg_catalog.text                      as schema,
       c.relname::pg_catalog.text                      as name,
       x.relname::pg_catalog.text                      as index_name,
       i.indisvalid and i.indisready and i.indislive   as valid,
       a.inhrelid is not null                          as attached
from pg_catalog.pg_inherits as h
join pg_catalog.pg_class as c on c.oid = h.inhrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_index as i on i.indrelid = c.oid
left join pg_catalog.pg_class as x on x.oid = i.indexrelid
left join pg_catalog.pg_inherits as a on a.inhrelid = i.indexrelid and a.inhparent = $2::pg_catalog.oid
where h.inhparent = $1::pg_catalog.oid
  -- Of a partition on its way out (14+).
  and coalesce(pg_catalog.to_jsonb(h) ->> 'inhdetachpending', 'false') = 'false'
order by 1, 2, 3
