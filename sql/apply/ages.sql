-- purpose: for how long backends have run what they run now
-- reads:   pg_stat_activity
-- locks:   none
select a.pid                                                                                        as pid,
       extract(epoch from pg_catalog.clock_timestamp() - a.query_start)::pg_catalog.float8         as seconds
from pg_catalog.pg_stat_activity as a
where a.pid operator(pg_catalog.=) any ($1::pg_catalog.int4[])
order by 1
