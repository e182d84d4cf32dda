-- purpose: since when the counters of this database count
-- reads:   pg_stat_database, pg_stat_bgwriter, the server's start
-- locks:   none
select pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')     as now_utc,
       pg_catalog.to_char(f.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')              as since_utc,
       greatest(extract(epoch from pg_catalog.now() - f.since), 0)::pg_catalog.float8            as age_seconds,
       greatest(extract(epoch from pg_catalog.now() - f.earliest), 0)::pg_catalog.float8         as longest_seconds
from (select coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time()) as since,
             -- Counters outlive a restart; since version 15 nobody notes when a database's began, but the server
             -- notes when it last had none at all.
             coalesce(d.stats_reset, least(b.stats_reset, pg_catalog.pg_postmaster_start_time())) as earliest
      from pg_catalog.pg_stat_database d
      cross join pg_catalog.pg_stat_bgwriter b
      where d.datname = pg_catalog.current_database()) f
order by 1
