-- purpose: most common combinations of CREATE STATISTICS objects, one row per item
-- reads:   pg_statistic_ext, pg_statistic_ext_data
-- locks:   none
select n.nspname::pg_catalog.text    as schema,
       e.stxname::pg_catalog.text    as name,
       d.inherited                   as inherited,
       array(select case when i.nulls[k] then null else i.values[k] end
             from pg_catalog.generate_subscripts(i.nulls, 1) k order by k)   as values,
       i.frequency                   as frequency,
       i.base_frequency              as base_frequency
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
-- stxdinherit is there since PostgreSQL 15; before, the name means the constant.
cross join (values (false)) as missing (stxdinherit)
cross join lateral (
  select stxdinherit as inherited, x.stxdmcv as list from pg_catalog.pg_statistic_ext_data x where x.stxoid = e.oid and x.stxdmcv is not null) d
cross join lateral pg_catalog.pg_mcv_list_items(d.list) i
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, e.stxname, d.inherited, i.index
