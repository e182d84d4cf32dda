-- purpose: the items of the list that the server made of a scratch table
-- reads:   pg_statistic_ext, pg_statistic_ext_data
-- locks:   none
select array(select case when i.nulls[k] then null else i.values[k] end
             from pg_catalog.generate_subscripts(i.nulls, 1) k order by k)   as values
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_statistic_ext_data d on d.stxoid = e.oid
cross join lateral pg_catalog.pg_mcv_list_items(d.stxdmcv) i
where e.stxrelid = $1::pg_catalog.oid
order by i.index
