-- purpose: first page of every GIN index, through pageinspect (reached by search_path)
-- reads:   pg_class, the indexes' first pages
-- locks:   AccessShare on each index, for an instant
select n.nspname::pg_catalog.text    as schema,
       c.relname::pg_catalog.text    as name,
       get_raw_page(pg_catalog.format('%I.%I', n.nspname, c.relname), 0)  as page
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_am m on m.oid = c.relam
where m.amname = 'gin' and c.relkind = 'i' and c.relpersistence = 'p'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, c.relname
