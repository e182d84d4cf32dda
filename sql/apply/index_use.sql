-- purpose: whether an index is there for old snapshots too, and of which method it is
-- reads:   pg_index, pg_class, pg_am
-- locks:   none
select i.indcheckxmin                   as young,
       a.amname::pg_catalog.text        as method
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_am a on a.oid = c.relam
where i.indexrelid = $1::pg_catalog.oid
order by 1
