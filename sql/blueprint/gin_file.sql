-- purpose: first page of every GIN index as it lies on disk; no row where our role may not read files
-- reads:   pg_class, the indexes' files
-- locks:   none
select n.nspname::pg_catalog.text    as schema,
       c.relname::pg_catalog.text    as name,
       pg_catalog.pg_read_binary_file(pg_catalog.pg_relation_filepath(c.oid), 0, 8192, true) as page
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_am m on m.oid = c.relam
where m.amname = 'gin' and c.relkind = 'i' and c.relpersistence = 'p'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, c.relname
