-- purpose: how far the slowest standby's replay is behind, bytes; no row without a standby, null without the right to see it
-- reads:   pg_stat_replication
-- locks:   none
select pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn))::pg_catalog.int8 as lag
from pg_catalog.pg_stat_replication as r
having pg_catalog.count(*) > 0
order by 1
