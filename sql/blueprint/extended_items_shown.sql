-- purpose: as blueprint/extended_items, of the tables that our role may read
-- reads:   pg_stats_ext
-- locks:   none
select v.statistics_schemaname::pg_catalog.text    as schema,
       v.statistics_name::pg_catalog.text          as name,
       v.inherited                                 as inherited,
       array(select v.most_common_vals[i.n][k] from pg_catalog.generate_subscripts(v.most_common_vals, 2) k order by k)   as values,
       v.most_common_freqs[i.n]                    as frequency,
       v.most_common_base_freqs[i.n]               as base_frequency
-- The view's column is there since PostgreSQL 15; before, the name means the constant.
from (values (false)) as missing (inherited)
cross join lateral (
  select inherited, x.statistics_schemaname, x.statistics_name, x.most_common_vals, x.most_common_freqs, x.most_common_base_freqs
  from pg_catalog.pg_stats_ext x) v
cross join lateral pg_catalog.generate_subscripts(v.most_common_freqs, 1) as i (n)
where v.statistics_schemaname not like 'pg\_%' and v.statistics_schemaname <> 'information_schema'
order by v.statistics_schemaname, v.statistics_name, v.inherited, i.n
