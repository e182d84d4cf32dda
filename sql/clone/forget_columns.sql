-- purpose: forget the column statistics of a scratch table
-- reads:   pg_statistic
-- locks:   RowExclusive on pg_statistic (our own server only)
delete from pg_catalog.pg_statistic s where s.starelid = $1::pg_catalog.oid
