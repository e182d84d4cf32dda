-- purpose: cancel what our own worker runs; the start time proves that the process id is still the same backend
-- reads:   pg_stat_activity
-- locks:   none
select pg_catalog.pg_cancel_backend(a.pid) as cancelled
from pg_catalog.pg_stat_activity as a
where a.pid = $1::pg_catalog.int4 and (extract(epoch from a.backend_start) * 1000000)::pg_catalog.int8 = $2::pg_catalog.int8
order by 1
