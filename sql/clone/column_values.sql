-- purpose: what the statistics know of the values of a column
-- reads:   pg_stats
-- locks:   none
select null_frac                                                  as null_frac,
       n_distinct                                                 as n_distinct,
       correlation                                                as correlation,
       most_common_vals::pg_catalog.text::pg_catalog.text[]       as common,
       most_common_freqs                                          as shares,
       histogram_bounds::pg_catalog.text::pg_catalog.text[]       as bounds
from pg_catalog.pg_stats
where schemaname = $1::pg_catalog.text
  and tablename = $2::pg_catalog.text
  and attname = $3::pg_catalog.text
  and not inherited
order by attname
