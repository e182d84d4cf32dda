-- purpose: the backend that builds an index now; of one whose progress is hidden from this role only the table's lock tells, not surely
-- reads:   pg_stat_progress_create_index, pg_locks, pg_index
-- locks:   the lock manager's own, for a moment
select p.pid as pid, p.index_relid is not distinct from $1::pg_catalog.oid as sure
from pg_catalog.pg_stat_progress_create_index as p
where p.index_relid = $1::pg_catalog.oid
   or p.datname = pg_catalog.current_database() and p.relid is null and exists (
        select from pg_catalog.pg_locks as l
        join pg_catalog.pg_index as i on i.indrelid = l.relation
        where l.pid = p.pid and l.granted and i.indexrelid = $1::pg_catalog.oid
          and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
order by 2 desc, 1
