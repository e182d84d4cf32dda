-- purpose: column statistics as text, of every table and expression index that we may read
-- reads:   pg_stats
-- locks:   none
select s.schemaname::pg_catalog.text            as schema,
       s.tablename::pg_catalog.text             as relation,
       s.attname::pg_catalog.text               as column,
       s.inherited                              as inherited,
       s.null_frac                              as null_frac,
       s.avg_width                              as avg_width,
       s.n_distinct                             as n_distinct,
       s.most_common_vals::pg_catalog.text::pg_catalog.text[]    as common_values,
       s.most_common_freqs                      as common_freqs,
       s.histogram_bounds::pg_catalog.text::pg_catalog.text[]    as histogram,
       s.correlation                            as correlation,
       s.most_common_elems::pg_catalog.text::pg_catalog.text[]   as common_elements,
       s.most_common_elem_freqs                 as element_freqs,
       s.elem_count_histogram                   as element_counts,
       s.range_lengths                          as range_lengths,
       s.range_empty_frac                       as range_empty_frac,
       s.range_bounds                           as range_bounds
-- The view shows ranges since PostgreSQL 17; before, the names mean NULL.
from (values (null::pg_catalog.text, null::pg_catalog.float4, null::pg_catalog.text))
     as missing (range_length_histogram, range_empty_frac, range_bounds_histogram)
cross join lateral (
  select x.schemaname, x.tablename, x.attname, x.inherited, x.null_frac, x.avg_width, x.n_distinct, x.most_common_vals,
         x.most_common_freqs, x.histogram_bounds, x.correlation, x.most_common_elems, x.most_common_elem_freqs, x.elem_count_histogram,
         range_length_histogram::pg_catalog.text::pg_catalog.text[] as range_lengths, range_empty_frac,
         range_bounds_histogram::pg_catalog.text::pg_catalog.text[] as range_bounds
  from pg_catalog.pg_stats x) s
where s.schemaname not like 'pg\_%' and s.schemaname <> 'information_schema'
order by s.schemaname, s.tablename, s.attname, s.inherited
