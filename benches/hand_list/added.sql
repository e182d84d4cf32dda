-- purpose: indexes newer than a given one: how many, and which of them nothing has read
-- reads:   pg_stat_user_indexes
-- locks:   none
select pg_catalog.count(*) filter (where s.indexrelid::pg_catalog.int8 > $1::pg_catalog.int8)   as indexes,
       pg_catalog.max(s.indexrelid::pg_catalog.int8)                                            as newest,
       coalesce(pg_catalog.array_agg(s.indexrelname::pg_catalog.text order by s.indexrelname)
                filter (where s.indexrelid::pg_catalog.int8 > $1::pg_catalog.int8 and s.idx_scan = 0), '{}') as unread
from pg_catalog.pg_stat_user_indexes s
order by 1
