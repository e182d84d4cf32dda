-- purpose: what the planner takes for the size of each table and index
-- reads:   pg_class, file sizes
-- locks:   AccessShare on each relation, for an instant
select n.nspname::pg_catalog.text                               as schema,
       c.relname::pg_catalog.text                               as name,
       c.relpages                                               as pages,
       c.reltuples::pg_catalog.float8                           as rows,
       c.relallvisible                                          as visible_pages,
       case when c.relkind in ('p', 'I', 'f') then 0
            else pg_catalog.pg_relation_size(c.oid) / 8192 end  as blocks
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'p', 'f', 'i', 'I') and c.relpersistence <> 't'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, c.relname
