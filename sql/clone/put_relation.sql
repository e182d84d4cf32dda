-- purpose: write one relation's page and row counts into the clone and say where its file is
-- reads:   pg_class
-- locks:   RowExclusive on pg_class (our own server only)
update pg_catalog.pg_class c
set relpages = $3::pg_catalog.int4, reltuples = $4::pg_catalog.float8::pg_catalog.float4, relallvisible = $5::pg_catalog.int4
from pg_catalog.pg_namespace n
where n.oid = c.relnamespace and n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
returning case when c.relkind in ('r', 'm', 'i') then pg_catalog.pg_relation_filepath(c.oid) end as path
