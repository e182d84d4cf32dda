-- purpose: how many combinations of values there are, where CREATE STATISTICS (ndistinct) counted them
-- reads:   pg_stats_ext, pg_statistic_ext
-- locks:   none
select e.stxrelid                                          as table_oid,
       v.n_distinct::pg_catalog.text                       as combinations
from pg_catalog.pg_stats_ext v
join pg_catalog.pg_namespace n on n.nspname = v.statistics_schemaname
join pg_catalog.pg_statistic_ext e on e.stxnamespace = n.oid and e.stxname = v.statistics_name
where v.n_distinct is not null
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by e.stxrelid, v.n_distinct::pg_catalog.text
