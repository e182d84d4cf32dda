-- purpose: try, never wait: a waiting lock function would hold a snapshot that builds wait for
-- reads:   nothing
-- locks:   an advisory lock of this session
select pg_catalog.pg_try_advisory_lock($1::pg_catalog.int4, $2::pg_catalog.int4) as locked
order by 1
