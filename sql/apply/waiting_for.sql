-- purpose: whom a backend waits for now; a prepared transaction has process id 0
-- reads:   pg_blocking_pids(), pg_stat_activity, pg_locks, pg_prepared_xacts
-- locks:   the lock manager's own, for a moment
select b.pid                                                                   as pid,
       coalesce(nullif(a.application_name, ''), nullif(a.backend_type, 'client backend'), case when b.pid = 0 then 'prepared transaction ' || coalesce((
         select x.gid from pg_catalog.pg_locks as l join pg_catalog.pg_prepared_xacts as x on x.transaction = l.transactionid
         where l.pid = $1 and not l.granted order by 1 limit 1), '') end, '')  as application,
       coalesce(a.usename::pg_catalog.text, '')                                as role,
       coalesce(a.state, '')                                                   as state,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.xact_start), 0)::pg_catalog.float8 as seconds
from (select distinct pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::pg_catalog.int4)) as pid) as b
left join pg_catalog.pg_stat_activity as a on a.pid = b.pid
order by 5 desc, 1
