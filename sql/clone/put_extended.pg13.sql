-- purpose: write the data of a statistics object ($5 and $6, inherited and expressions, mean nothing yet)
-- reads:   pg_statistic_ext_data
-- locks:   RowExclusive on pg_statistic_ext_data (our own server only)
update pg_catalog.pg_statistic_ext_data d
set stxdndistinct = $2::pg_catalog.bytea::pg_catalog.pg_ndistinct,
    stxddependencies = $3::pg_catalog.bytea::pg_catalog.pg_dependencies,
    stxdmcv = $4::pg_catalog.bytea::pg_catalog.pg_mcv_list
where d.stxoid = $1::pg_catalog.oid and not $5::pg_catalog.bool and $6::pg_catalog.oid is not null
