-- purpose: the advisory locks of one class that sessions hold in this database, with the table each is for
-- reads:   pg_locks, pg_stat_activity, pg_class, pg_namespace
-- locks:   the lock manager's own, for a moment
select l.pid                                    as pid,
       coalesce(a.application_name, '')         as application,
       coalesce(a.usename::pg_catalog.text, '') as role,
       coalesce(a.state, '')                    as state,
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.backend_start), 0)::pg_catalog.float8 as seconds,
       extract(epoch from pg_catalog.clock_timestamp() - a.state_change)::pg_catalog.float8                as silent_seconds,
       l.objid                                  as table_oid,
       n.nspname::pg_catalog.text               as table_schema,
       c.relname::pg_catalog.text               as table_name
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
left join pg_catalog.pg_class as c on c.oid = l.objid
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.classid::pg_catalog.int8 = $1::pg_catalog.int8
  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
order by 1, 7
