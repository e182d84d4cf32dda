-- purpose: whether a B-tree is sound and holds every row of its table; an error says how it is not
-- reads:   the index and its table, through extension amcheck, reached by search_path
-- locks:   ACCESS SHARE on both
select bt_index_check($1::pg_catalog.oid::pg_catalog.regclass, true)::pg_catalog.text as nothing
order by 1
