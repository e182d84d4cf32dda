-- purpose: for this transaction, reach an extension's objects in the schema it lives in
-- reads:   nothing
-- locks:   none
select pg_catalog.set_config('search_path', pg_catalog.quote_ident($1::pg_catalog.text), true) as value
order by 1
