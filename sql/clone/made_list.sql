-- purpose: the list of most common combinations that the server made of a scratch table
-- reads:   pg_statistic_ext, pg_statistic_ext_data
-- locks:   none
select d.stxdmcv::pg_catalog.bytea as list
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_statistic_ext_data d on d.stxoid = e.oid
where e.stxrelid = $1::pg_catalog.oid and d.stxdmcv is not null
order by e.oid
