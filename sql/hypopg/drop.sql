-- purpose: forget one hypothetical index of this session
-- reads:   nothing
-- locks:   none
select hypopg_drop_index($1::pg_catalog.oid) as dropped order by 1
