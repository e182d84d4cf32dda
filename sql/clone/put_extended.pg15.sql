-- purpose: write the data of a statistics object; statistics of its expressions are those of the columns of $6
-- reads:   pg_statistic_ext_data, pg_statistic
-- locks:   RowExclusive on pg_statistic_ext_data (our own server only)
insert into pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies, stxdmcv, stxdinherit, stxdexpr)
values ($1::pg_catalog.oid,
        $2::pg_catalog.bytea::pg_catalog.pg_ndistinct,
        $3::pg_catalog.bytea::pg_catalog.pg_dependencies,
        $4::pg_catalog.bytea::pg_catalog.pg_mcv_list,
        $5::pg_catalog.bool,
        (select pg_catalog.array_agg(s order by s.staattnum) from pg_catalog.pg_statistic s where s.starelid = $6::pg_catalog.oid))
