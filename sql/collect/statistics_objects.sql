-- purpose: extended statistics that exist
-- reads:   pg_statistic_ext, pg_class, pg_attribute
-- locks:   none
select n.nspname::pg_catalog.text                          as schema,
       e.stxname::pg_catalog.text                          as name,
       tn.nspname::pg_catalog.text                         as table_schema,
       t.relname::pg_catalog.text                          as table_name,
       array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute a
             where a.attrelid = e.stxrelid and a.attnum = any (e.stxkeys) order by a.attnum) as columns,
       pg_catalog.array_to_string(e.stxkind, '')           as kinds
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
join pg_catalog.pg_class t on t.oid = e.stxrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where tn.nspname !~ '^pg_'
  and tn.nspname <> 'information_schema'
order by tn.nspname, t.relname, n.nspname, e.stxname
