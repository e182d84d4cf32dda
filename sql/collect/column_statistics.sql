-- purpose: planner statistics of the columns we may read
-- reads:   pg_stats
-- locks:   none
select c.oid                                               as table_oid,
       s.attname::pg_catalog.text                          as column_name,
       s.null_frac::pg_catalog.float8                      as null_frac,
       s.avg_width::pg_catalog.float8                      as avg_width_bytes,
       s.n_distinct::pg_catalog.float8                     as n_distinct,
       s.correlation::pg_catalog.float8                    as correlation,
       s.most_common_vals::pg_catalog.text::pg_catalog.text[] as common_values,
       s.most_common_freqs::pg_catalog.float8[]            as common_freqs,
       s.histogram_bounds::pg_catalog.text::pg_catalog.text[] as histogram,
       -- Least, greatest and NULLs' shares stand behind those of the elements.
       (s.most_common_elem_freqs::pg_catalog.float8[])[1:pg_catalog.array_length(s.most_common_elems, 1)] as element_freqs,
       -- The average stands behind the bounds.
       (s.elem_count_histogram::pg_catalog.float8[])[pg_catalog.array_length(s.elem_count_histogram, 1)] as elements_per_row
from pg_catalog.pg_stats s
join pg_catalog.pg_namespace n on n.nspname = s.schemaname
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
where s.schemaname !~ '^pg_'
  and s.schemaname <> 'information_schema'
  -- A partitioned parent has only the statistics of the whole tree; elsewhere the table's own count.
  and s.inherited = (c.relkind = 'p')
order by c.oid, s.attname
