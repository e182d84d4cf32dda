-- purpose: write the data of a statistics object; statistics of its expressions are those of the columns of $6 ($5, inherited, means nothing yet)
-- reads:   pg_statistic_ext_data, pg_statistic
-- locks:   RowExclusive on pg_statistic_ext_data (our own server only)
update pg_catalog.pg_statistic_ext_data d
set stxdndistinct = $2::pg_catalog.bytea::pg_catalog.pg_ndistinct,
    stxddependencies = $3::pg_catalog.bytea::pg_catalog.pg_dependencies,
    stxdmcv = $4::pg_catalog.bytea::pg_catalog.pg_mcv_list,
    stxdexpr = (select pg_catalog.array_agg(s order by s.staattnum) from pg_catalog.pg_statistic s where s.starelid = $6::pg_catalog.oid)
where d.stxoid = $1::pg_catalog.oid and not $5::pg_catalog.bool
