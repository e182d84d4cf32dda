-- purpose: since when the counters of this database count
-- reads:   pg_stat_database, the server's start
-- locks:   none
select pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')     as now_utc,
       pg_catalog.to_char(f.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')              as since_utc,
       greatest(extract(epoch from pg_catalog.now() - f.since), 0)::pg_catalog.float8            as age_seconds
from (select coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time()) as since
      from pg_catalog.pg_stat_database d
      where d.datname = pg_catalog.current_database()) f
order by 1
