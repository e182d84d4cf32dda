-- purpose: schemas in which unqualified names of query files resolve
-- reads:   the session's search_path
-- locks:   none
select pg_catalog.current_schemas(false)::pg_catalog.text[] as schemas order by 1
