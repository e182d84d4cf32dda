-- purpose: every index with its state, what needs it, and its usage on this node
-- reads:   pg_index, pg_constraint, pg_stat_all_indexes, pg_stat_progress_create_index, pg_locks
-- locks:   none
select c.oid,
       n.nspname::pg_catalog.text                          as schema,
       t.relname::pg_catalog.text                          as table_name,
       c.relname::pg_catalog.text                          as name,
       m.amname::pg_catalog.text                           as method,
       i.indisunique                                       as is_unique,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) as predicate,
       c.reloptions                                        as options,
       pg_catalog.pg_get_indexdef(c.oid)                   as definition,
       i.indisvalid                                        as valid,
       i.indisready                                        as ready,
       i.indislive                                         as live,
       i.indisprimary                                      as is_primary,
       i.indisexclusion                                    as exclusion,
       (select k.conname::pg_catalog.text from pg_catalog.pg_constraint k
        where k.conindid = c.oid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
        order by k.conname limit 1)                        as constraint_name,
       exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid and k.contype = 'f')
                                                           as needed_by_foreign_key,
       i.indisreplident                                    as replica_identity,
       i.indisclustered                                    as clustered,
       c.relispartition                                    as partition,
       c.relkind = 'I'                                     as partitioned,
       c.relpages::pg_catalog.int8                         as pages,
       coalesce(s.idx_scan, 0)::pg_catalog.float8          as scans,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner,
       ts.spcname::pg_catalog.text                         as tablespace,
       pg_catalog.obj_description(c.oid, 'pg_class')       as comment,
       -- Without rights a builder's index_relid is NULL; its lock on the table is public.
       exists (select from pg_catalog.pg_stat_progress_create_index b
               where b.datname = pg_catalog.current_database()
                 and (b.index_relid = c.oid
                      or b.index_relid is null
                         and exists (select from pg_catalog.pg_locks l
                                     where l.pid = b.pid and l.relation = i.indrelid and l.granted
                                       and l.mode = 'ShareUpdateExclusiveLock')))
                                                           as building
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_am m on m.oid = c.relam
left join pg_catalog.pg_tablespace ts on ts.oid = c.reltablespace
left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = c.oid
where t.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by n.nspname, t.relname, c.relname
