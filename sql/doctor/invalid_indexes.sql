-- purpose: indexes that no plan may use, left behind or being built
-- reads:   pg_index, pg_class, pg_namespace, pg_stat_progress_create_index
-- locks:   none
select n.nspname::pg_catalog.text as schema,
       t.relname::pg_catalog.text as table_name,
       i.relname::pg_catalog.text as name,
       i.relkind = 'I'            as partitioned,
       exists (select 1 from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.oid order by 1) as building
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace n on n.oid = i.relnamespace
where not (x.indisvalid and x.indisready and x.indislive)
  and n.nspname !~ '^pg_toast'
order by n.nspname, i.relname
