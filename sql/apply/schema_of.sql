-- purpose: the schema in which the search_path finds a relation, and the one in which it would make one. The caller sets search_path to the role's own
-- reads:   pg_class, pg_namespace
-- locks:   none
select (select n.nspname::pg_catalog.text
        from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::pg_catalog.text)))  as found,
       pg_catalog.current_schema()::pg_catalog.text                                         as own
order by 1
