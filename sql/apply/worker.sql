-- purpose: our own backend: its process id and start, by which a later run knows it
-- reads:   pg_stat_activity
-- locks:   none
select a.pid                                                            as pid,
       (extract(epoch from a.backend_start) * 1000000)::pg_catalog.int8 as started
from pg_catalog.pg_stat_activity as a
where a.pid = pg_catalog.pg_backend_pid()
order by 1
