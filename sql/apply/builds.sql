-- purpose: index builds that run in this database now
-- reads:   pg_stat_progress_create_index, pg_class
-- locks:   none
select p.pid                                       as pid,
       p.relid                                     as table_oid,
       coalesce(n.nspname::pg_catalog.text, '')    as table_schema,
       coalesce(t.relname::pg_catalog.text, '')    as table_name,
       coalesce(i.relname::pg_catalog.text, '')    as index_name,
       coalesce(p.phase, '')                       as phase
from pg_catalog.pg_stat_progress_create_index as p
left join pg_catalog.pg_class as t on t.oid = p.relid
left join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
left join pg_catalog.pg_class as i on i.oid = p.index_relid
where p.datname = pg_catalog.current_database()
order by 1
