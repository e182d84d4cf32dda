-- purpose: names resolve as for the role that ran the query, until the transaction ends
-- reads:   nothing
-- locks:   none
select pg_catalog.set_config('search_path', $1::pg_catalog.text, true) as value order by 1
