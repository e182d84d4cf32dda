-- purpose: as blueprint/extended_expressions, of the tables that our role may read
-- reads:   pg_stats_ext, pg_stats_ext_exprs
-- locks:   none
select v.statistics_schemaname::pg_catalog.text as schema,
       v.statistics_name::pg_catalog.text       as name,
       v.inherited                              as inherited,
       v.expression                             as expression,
       v.null_frac                              as null_frac,
       v.avg_width                              as avg_width,
       v.n_distinct                             as n_distinct,
       v.most_common_vals::pg_catalog.text::pg_catalog.text[]    as common_values,
       v.most_common_freqs                      as common_freqs,
       v.histogram_bounds::pg_catalog.text::pg_catalog.text[]    as histogram,
       v.correlation                            as correlation,
       v.most_common_elems::pg_catalog.text::pg_catalog.text[]   as common_elements,
       v.most_common_elem_freqs                 as element_freqs,
       v.elem_count_histogram                   as element_counts,
       null::pg_catalog.text[]                  as range_lengths,
       null::pg_catalog.float4                  as range_empty_frac,
       null::pg_catalog.text[]                  as range_bounds
-- The views' column is there since PostgreSQL 15; before, the name means the constant.
from (values (false)) as missing (inherited)
cross join lateral (
  select inherited, x.statistics_schemaname, x.statistics_name, x.null_frac, x.avg_width, x.n_distinct, x.most_common_vals,
         x.most_common_freqs, x.histogram_bounds, x.correlation, x.most_common_elems, x.most_common_elem_freqs, x.elem_count_histogram,
         (select pg_catalog.array_position(s.exprs, x.expr) from pg_catalog.pg_stats_ext s
          where s.statistics_schemaname = x.statistics_schemaname and s.statistics_name = x.statistics_name limit 1)::pg_catalog.int8 as expression
  from pg_catalog.pg_stats_ext_exprs x) v
where v.statistics_schemaname not like 'pg\_%' and v.statistics_schemaname <> 'information_schema' and v.expression is not null
order by v.statistics_schemaname, v.statistics_name, v.inherited, v.expression
