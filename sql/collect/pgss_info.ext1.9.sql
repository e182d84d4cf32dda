-- purpose: since when pg_stat_statements counts, and how many queries it had to forget
-- reads:   pg_stat_statements_info, reached by search_path
-- locks:   none
select pg_catalog.to_char(i.stats_reset at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')          as since_utc,
       greatest(extract(epoch from pg_catalog.now() - i.stats_reset), 0)::pg_catalog.float8      as age_seconds,
       i.dealloc                                                                                 as evictions
from pg_stat_statements_info i
order by 1
