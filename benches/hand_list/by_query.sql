-- purpose: blocks touched by each statement of this database since the last reset
-- reads:   pg_stat_statements
-- locks:   none
select s.query                                                                                        as query,
       pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::pg_catalog.float8                      as blocks
from pg_stat_statements s
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
group by s.query
order by 2 desc, 1
