-- purpose: give an advisory lock back
-- reads:   nothing
-- locks:   none
select pg_catalog.pg_advisory_unlock($1::pg_catalog.int4, $2::pg_catalog.int4) as unlocked
order by 1
