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
       s.elem_count_histogram                   as element_counts
from pg_catalog.pg_stats s
where s.schemaname not like 'pg\_%' and s.schemaname <> 'information_schema'
order by s.schemaname, s.tablename, s.attname, s.inherited
