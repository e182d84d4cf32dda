-- purpose: a hypothetical index in this session's memory
-- reads:   pg_class, pg_attribute of its table
-- locks:   AccessShare on the table, for an instant
select h.indexrelid as oid from hypopg_create_index($1::pg_catalog.text) h order by 1
