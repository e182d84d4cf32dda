-- purpose: as blueprint/extended, of the tables that our role may read
-- reads:   pg_stats_ext, pg_statistic_ext, pg_attribute
-- locks:   none
select v.statistics_schemaname::pg_catalog.text                               as schema,
       v.statistics_name::pg_catalog.text                                     as name,
       v.inherited                                                            as inherited,
       array(select a.attnum from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                      as numbers,
       array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                      as names,
       v.n_distinct::pg_catalog.bytea                                         as distinct_bytes,
       v.dependencies::pg_catalog.bytea                                       as dependency_bytes
-- The view's column is there since PostgreSQL 15; before, the name means the constant.
from (values (false)) as missing (inherited)
cross join lateral (
  select inherited, x.statistics_schemaname, x.statistics_name, x.n_distinct, x.dependencies from pg_catalog.pg_stats_ext x) v
join pg_catalog.pg_namespace n on n.nspname = v.statistics_schemaname
join pg_catalog.pg_statistic_ext e on e.stxnamespace = n.oid and e.stxname = v.statistics_name
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, e.stxname, v.inherited
