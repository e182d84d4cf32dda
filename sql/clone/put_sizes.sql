-- purpose: write page and row counts
-- reads:   pg_class
-- locks:   RowExclusive on pg_class (our own server only)
update pg_catalog.pg_class c
set relpages = g.pages, reltuples = g.rows, relallvisible = g.visible
from rows from (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]), pg_catalog.unnest($3::pg_catalog.float4[]),
                pg_catalog.unnest($4::pg_catalog.int4[])) as g (oid, pages, rows, visible)
where c.oid = g.oid
