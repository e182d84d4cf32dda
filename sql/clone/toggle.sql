-- purpose: turn these indexes round: the planner sees those that it did not see, and no longer those that it did
-- reads:   pg_index
-- locks:   RowExclusive on pg_index (our own server only)
update pg_catalog.pg_index x
set indisvalid = not x.indisvalid
where x.indexrelid = any($1::pg_catalog.oid[])
