-- purpose: index builds that run now in this database; details are empty where we may not see them
-- reads:   pg_stat_progress_create_index, pg_class, pg_namespace
-- locks:   none
select p.pid                      as pid,
       p.command                  as command,
       p.phase                    as phase,
       n.nspname::pg_catalog.text as schema,
       c.relname::pg_catalog.text as table_name
from pg_catalog.pg_stat_progress_create_index p
left join pg_catalog.pg_class c on c.oid = p.relid
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where p.datname = pg_catalog.current_database()
order by p.pid
