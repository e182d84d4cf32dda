-- purpose: make exactly the candidates in $1 visible to the planner, of all candidates in $2
-- reads:   pg_index
-- locks:   RowExclusive on pg_index (our own server only)
update pg_catalog.pg_index x
set indisvalid = (x.indexrelid = any($1::pg_catalog.oid[]))
where x.indexrelid = any($2::pg_catalog.oid[]) and x.indisvalid <> (x.indexrelid = any($1::pg_catalog.oid[]))
