-- purpose: how many rows the demo's tables hold, by the statistics of the last ANALYZE
-- reads:   pg_class
-- locks:   none
select pg_catalog.count(*) as tables, pg_catalog.sum(c.reltuples)::pg_catalog.int8 as rows
from pg_catalog.pg_class as c
where c.relkind = 'r' and c.relnamespace = 'public'::pg_catalog.regnamespace
order by 1
