-- purpose: who would hold up a build on this table now: holders of locks on it, and old snapshots of this database
-- reads:   pg_locks, pg_stat_activity, pg_prepared_xacts
-- locks:   the lock manager's own, for a moment
select coalesce(l.pid, 0)                                                      as pid,
       case when l.pid is null then 'prepared transaction ' || coalesce(x.gid, '') else coalesce(a.application_name, '') end as application,
       coalesce(a.usename::pg_catalog.text, x.owner::pg_catalog.text, '')      as role,
       'holds ' || l.mode                                                      as state,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, x.prepared)), 0)::pg_catalog.float8 as seconds
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
left join pg_catalog.pg_prepared_xacts as x on l.pid is null and l.virtualtransaction = '-1/' || x.transaction::pg_catalog.text
where l.locktype = 'relation' and l.granted and l.relation = $1::pg_catalog.oid
  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
  and l.mode in ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  and l.pid is distinct from pg_catalog.pg_backend_pid()
union all
select a.pid, coalesce(a.application_name, ''), coalesce(a.usename::pg_catalog.text, ''), 'holds a snapshot',
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.xact_start), 0)::pg_catalog.float8
from pg_catalog.pg_stat_activity as a
where a.backend_xmin is not null and a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
order by 5 desc, 1
