-- purpose: how the server prints the index of the temporary twin
-- reads:   pg_class, pg_index
-- locks:   none
select pg_catalog.pg_get_indexdef(pg_catalog.to_regclass('pg_temp.advisor_twin_idx')) as definition
order by 1
