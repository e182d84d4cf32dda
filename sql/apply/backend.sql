-- purpose: a backend of ours by process id: its start (null where this role may not see it), whether it still works, and whether it calls itself ours
-- reads:   pg_stat_activity
-- locks:   none
select (extract(epoch from a.backend_start) * 1000000)::pg_catalog.int8 as started,
       coalesce(a.state, '') <> 'idle'                                  as working,
       coalesce(a.application_name, '') like 'advisor/%'                as advisor
from pg_catalog.pg_stat_activity as a
where a.pid = $1::pg_catalog.int4
order by 1
