-- purpose: data of CREATE STATISTICS objects; keys by name in the order of their numbers
-- reads:   pg_statistic_ext, pg_statistic_ext_data, pg_attribute
-- locks:   none
select n.nspname::pg_catalog.text                                             as schema,
       e.stxname::pg_catalog.text                                             as name,
       d.inherited                                                            as inherited,
       array(select a.attnum from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                      as numbers,
       array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                      as names,
       d.distinct_bytes                                                       as distinct_bytes,
       d.dependency_bytes                                                     as dependency_bytes
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
-- stxdinherit is there since PostgreSQL 15; before, the name means the constant.
cross join (values (false)) as missing (stxdinherit)
cross join lateral (
  select stxdinherit as inherited, x.stxdndistinct::pg_catalog.bytea as distinct_bytes, x.stxddependencies::pg_catalog.bytea as dependency_bytes
  from pg_catalog.pg_statistic_ext_data x where x.stxoid = e.oid) d
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, e.stxname, d.inherited
