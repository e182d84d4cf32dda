-- purpose: whether our role may read pg_statistic and pg_statistic_ext_data themselves
-- reads:   nothing
-- locks:   none
select pg_catalog.has_table_privilege('pg_catalog.pg_statistic', 'select')            as columns,
       pg_catalog.has_table_privilege('pg_catalog.pg_statistic_ext_data', 'select')   as extended
order by 1
