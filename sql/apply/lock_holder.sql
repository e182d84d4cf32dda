-- purpose: which session holds an advisory lock
-- reads:   pg_locks, pg_stat_activity
-- locks:   the lock manager's own, for a moment
select l.pid                               as pid,
       coalesce((extract(epoch from a.backend_start) * 1000000)::pg_catalog.int8, 0) as started,
       coalesce(a.application_name, '')    as application,
       coalesce(a.application_name like 'advisor/%', false) as advisor,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.state_change), 0)::pg_catalog.float8 as silent,
       coalesce(a.usename::pg_catalog.text, '') as role,
       coalesce(a.state, '')               as state,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.backend_start), 0)::pg_catalog.float8 as seconds
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.classid::pg_catalog.int8 = $1::pg_catalog.int8 and l.objid::pg_catalog.int8 = $2::pg_catalog.int8
  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
order by 1
