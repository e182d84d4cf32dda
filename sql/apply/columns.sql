-- purpose: the columns of one table with the statistics that sizes are estimated from
-- reads:   pg_attribute, pg_type, pg_collation, pg_stats
-- locks:   none
select a.attrelid                                          as table_oid,
       a.attnum                                            as number,
       a.attname::pg_catalog.text                          as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod)     as type_name,
       t.typcategory::pg_catalog.text                      as category,
       a.attnotnull                                        as not_null,
       false                                               as sorts_by_bytes,
       a.attlen                                            as length,
       a.attalign::pg_catalog.text                         as alignment,
       coalesce(l.collisdeterministic, true)               as deterministic,
       a.attname::pg_catalog.text                          as column_name,
       s.null_frac::pg_catalog.float8                      as null_frac,
       s.avg_width::pg_catalog.float8                      as avg_width_bytes,
       s.n_distinct::pg_catalog.float8                     as n_distinct,
       s.correlation::pg_catalog.float8                    as correlation,
       s.most_common_vals::pg_catalog.text::pg_catalog.text[] as common_values,
       s.most_common_freqs::pg_catalog.float8[]            as common_freqs,
       s.histogram_bounds::pg_catalog.text::pg_catalog.text[] as histogram,
       (s.most_common_elem_freqs::pg_catalog.float8[])[1:pg_catalog.array_length(s.most_common_elems, 1)] as element_freqs,
       (s.elem_count_histogram::pg_catalog.float8[])[pg_catalog.array_length(s.elem_count_histogram, 1)] as elements_per_row
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_collation as l on l.oid = a.attcollation
left join pg_catalog.pg_stats as s
  on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and s.inherited = (c.relkind = 'p')
where a.attrelid = $1::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
order by a.attnum
