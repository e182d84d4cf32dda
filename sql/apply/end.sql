-- purpose: end a session that was an advisor's and is dead; the start time proves that the process id is still the same backend
-- reads:   pg_stat_activity
-- locks:   none
select pg_catalog.pg_terminate_backend(a.pid) as ended
from pg_catalog.pg_stat_activity as a
where a.pid = $1::pg_catalog.int4 and (extract(epoch from a.backend_start) * 1000000)::pg_catalog.int8 = $2::pg_catalog.int8
  and a.application_name like 'advisor/%'
order by 1
