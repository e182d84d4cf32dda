-- purpose: the statistics objects of the clone: table, columns in the order of their numbers, expressions
-- reads:   pg_statistic_ext, pg_class, pg_attribute
-- locks:   AccessShare on the table, for an instant
select e.oid                             as oid,
       n.nspname::pg_catalog.text        as schema,
       e.stxname::pg_catalog.text        as name,
       tn.nspname::pg_catalog.text       as table_schema,
       t.relname::pg_catalog.text        as table_name,
       array(select a.attnum from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                  as numbers,
       array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum)                  as names,
       array[]::pg_catalog.text[]   as expressions,
       e.stxkind::pg_catalog.text[]      as kinds
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
join pg_catalog.pg_class t on t.oid = e.stxrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
order by n.nspname, e.stxname
