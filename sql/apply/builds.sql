-- purpose: index builds that run in this database now; of one whose progress is hidden from this role the table's lock tells the table
-- reads:   pg_stat_progress_create_index, pg_locks, pg_class
-- locks:   the lock manager's own, for a moment
select p.pid                                       as pid,
       t.oid                                       as table_oid,
       coalesce(n.nspname::pg_catalog.text, '')    as table_schema,
       coalesce(t.relname::pg_catalog.text, '')    as table_name,
       coalesce(i.relname::pg_catalog.text, '')    as index_name,
       coalesce(p.phase, '')                       as phase
from pg_catalog.pg_stat_progress_create_index as p
left join pg_catalog.pg_class as t on t.oid = coalesce(p.relid, (
  select l.relation
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_class as c on c.oid = l.relation and c.relkind in ('r', 'm', 'p')
  where l.pid = p.pid and l.granted and l.locktype = 'relation'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
    and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  order by l.relation
  limit 1))
left join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
left join pg_catalog.pg_class as i on i.oid = p.index_relid
where p.datname = pg_catalog.current_database()
order by 1
