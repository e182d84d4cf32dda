-- purpose: how many standbys stream from this server; logical subscribers and backups are none
-- reads:   pg_stat_replication, pg_replication_slots
-- locks:   none
select pg_catalog.count(*)::pg_catalog.int8 as standbys
from pg_catalog.pg_stat_replication r
where coalesce(r.application_name, '') not in ('pg_basebackup', 'pg_receivewal')
  and not exists (select from pg_catalog.pg_replication_slots s where s.active_pid = r.pid and s.slot_type = 'logical')
order by 1
