-- purpose: who would hold up a build or a drop on this table now: holders of locks on it, and old snapshots of this database
-- reads:   pg_locks, pg_stat_activity, pg_prepared_xacts, pg_stat_progress_vacuum, pg_stat_progress_analyze, pg_stat_progress_create_index
-- locks:   the lock manager's own, for a moment
with prepared as (
  -- It keeps the virtual id of the session that prepared it, and the lock on its own transaction id.
  select l.virtualtransaction, x.gid, x.owner, x.prepared
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_prepared_xacts as x on x.transaction = l.transactionid
  where l.locktype = 'transactionid' and l.granted and l.pid is null
), held as (
  select l.pid, l.virtualtransaction, pg_catalog.array_agg(distinct l.mode order by l.mode) as modes
  from pg_catalog.pg_locks as l
  where l.locktype = 'relation' and l.granted and l.relation = $1::pg_catalog.oid
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
    and l.pid is distinct from pg_catalog.pg_backend_pid()
    -- A parallel worker is its leader's, which holds the same lock.
    and not exists (select from pg_catalog.pg_stat_activity as w where w.pid = l.pid and w.backend_type = 'parallel worker')
  group by l.pid, l.virtualtransaction
), seen as (
  -- A build waits for no vacuum's snapshot.
  select a.pid
  from pg_catalog.pg_stat_activity as a
  where a.backend_xmin is not null and a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
    and a.backend_type is distinct from 'autovacuum worker' and a.backend_type is distinct from 'parallel worker'
    and not exists (select from pg_catalog.pg_stat_progress_vacuum as v where v.pid = a.pid)
)
select coalesce(h.pid, s.pid, 0)                                               as pid,
       x.gid                                                                   as gid,
       coalesce(a.usename::pg_catalog.text, x.owner::pg_catalog.text, '')      as role,
       coalesce(nullif(a.application_name, ''), nullif(a.backend_type, 'client backend'), '') as application,
       coalesce(a.state, '')                                                   as state,
       coalesce(h.modes, '{}')                                                 as modes,
       s.pid is not null                                                       as snapshot,
       case
         when a.query like 'autovacuum: %(to prevent wraparound)'              then 'wraparound'
         when exists (select from pg_catalog.pg_stat_progress_vacuum as v where v.pid = h.pid)        then 'vacuum'
         when exists (select from pg_catalog.pg_stat_progress_analyze as v where v.pid = h.pid)       then 'analyze'
         when exists (select from pg_catalog.pg_stat_progress_create_index as v where v.pid = h.pid)  then 'build'
         else ''
       end                                                                     as work,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, x.prepared)), 0)::pg_catalog.float8 as seconds,
       coalesce(a.query, '')                                                   as query
from held as h
full join seen as s on s.pid = h.pid
left join pg_catalog.pg_stat_activity as a on a.pid = coalesce(h.pid, s.pid)
left join prepared as x on h.pid is null and x.virtualtransaction = h.virtualtransaction
order by 9 desc, 1
