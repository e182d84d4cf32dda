-- purpose: how large HypoPG takes a hypothetical index to be
-- reads:   nothing
-- locks:   none
select hypopg_relation_size($1::pg_catalog.oid) as bytes order by 1
