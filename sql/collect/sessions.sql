-- purpose: other client sessions of this database
-- reads:   pg_stat_activity; the text of their queries stays on the server
-- locks:   none
select a.pid,
       a.usename::pg_catalog.text                                                          as role,
       a.application_name                                                                  as application,
       a.state                                                                             as state,
       extract(epoch from pg_catalog.clock_timestamp() - a.state_change)::pg_catalog.float8 as state_seconds,
       extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8   as transaction_seconds,
       a.backend_xmin is not null or a.backend_xid is not null                             as holds_snapshot,
       a.backend_type is null                                                              as hidden
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database()
  and a.usename is not null
  and coalesce(a.backend_type, 'client backend') = 'client backend'
  and a.pid <> pg_catalog.pg_backend_pid()
  and coalesce(a.application_name, '') not like 'advisor/%'
order by a.pid
