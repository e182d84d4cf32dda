-- purpose: write one relation's page and row counts into the clone; say where its file is and, for a B-tree, how wide its keys are
-- reads:   pg_class, pg_index, pg_statistic
-- locks:   RowExclusive on pg_class (our own server only)
update pg_catalog.pg_class c
set relpages = $3::pg_catalog.int4, reltuples = $4::pg_catalog.float8::pg_catalog.float4, relallvisible = $5::pg_catalog.int4
from pg_catalog.pg_namespace n
where n.oid = c.relnamespace and n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
returning case when c.relkind in ('r', 'm', 'i') then pg_catalog.pg_relation_filepath(c.oid) end as path,
          (select 8 * pg_catalog.ceil(pg_catalog.sum(coalesce(s.stawidth, 16)) / 8.0)::pg_catalog.float8
           from pg_catalog.pg_index x
           cross join lateral pg_catalog.generate_series(0, x.indnkeyatts - 1) as k(n)
           left join pg_catalog.pg_statistic s on s.starelid = x.indrelid and s.staattnum = x.indkey[k.n] and not s.stainherit
           where x.indexrelid = c.oid and c.relam = 403)::pg_catalog.float8 as key_bytes
