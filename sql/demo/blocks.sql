-- purpose: blocks touched by all statements of this database since the last reset
-- reads:   pg_stat_statements
-- locks:   none
select coalesce(pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read), 0)::pg_catalog.float8 as blocks
from pg_stat_statements s
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
order by 1
