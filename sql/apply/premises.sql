-- purpose: what builds are paid with and who hears of them: memory, workers, standbys and their lag, slots that keep WAL, where files lie
-- reads:   settings, pg_stat_replication, pg_replication_slots, pg_database, pg_tablespace
-- locks:   none
select pg_catalog.current_setting('wal_level')                                               as wal_level,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem'))          as maintenance_work_mem,
       pg_catalog.current_setting('max_parallel_maintenance_workers')::pg_catalog.int4       as workers,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('temp_file_limit'))               as temp_file_limit,
       -- No row without the right to see it.
       (select s.setting from pg_catalog.pg_settings as s where s.name = 'data_directory')   as data_directory,
       coalesce(nullif(pg_catalog.btrim(pg_catalog.split_part(pg_catalog.current_setting('temp_tablespaces'), ',', 1), ' "'), ''),
                t.spcname::pg_catalog.text)                                                  as temp_tablespace,
       r.standbys                                                                            as standbys,
       r.lag_bytes                                                                           as lag_bytes,
       r.lag_seconds                                                                         as lag_seconds,
       array(select x.slot_name::pg_catalog.text from pg_catalog.pg_replication_slots as x
             where not x.active order by x.slot_name)                                        as idle_slots,
       (select pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), x.restart_lsn))::pg_catalog.int8
        from pg_catalog.pg_replication_slots as x where not x.active)                        as kept_bytes,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')                    as reads_all_stats
from pg_catalog.pg_database as d
join pg_catalog.pg_tablespace as t on t.oid = d.dattablespace
cross join (select pg_catalog.count(*)                                                                       as standbys,
                   pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), w.replay_lsn))::pg_catalog.int8 as lag_bytes,
                   pg_catalog.max(extract(epoch from w.replay_lag))::pg_catalog.float8                       as lag_seconds
            from pg_catalog.pg_stat_replication as w
            where coalesce(w.application_name, '') not in ('pg_basebackup', 'pg_receivewal')) as r
where d.datname = pg_catalog.current_database()
order by 1
