-- purpose: relations with owner, estimated rows and activity counters
-- reads:   pg_class, pg_inherits, pg_depend, pg_stat_all_tables
-- locks:   none
select c.oid,
       n.nspname::pg_catalog.text                          as schema,
       c.relname::pg_catalog.text                          as name,
       c.relkind::pg_catalog.text                          as kind,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner,
       pg_catalog.pg_has_role(c.relowner, 'USAGE')         as ours,
       exists (select from pg_catalog.pg_depend d
               where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
                                                           as from_extension,
       c.relrowsecurity                                    as row_security,
       c.relforcerowsecurity                               as row_security_forced,
       c.reltuples::pg_catalog.float8                      as rows,
       c.relpages::pg_catalog.int8                         as pages,
       c.reltoastrelid                                     as toast_oid,
       -- What pg_stats asks for, without the right to single columns.
       pg_catalog.has_any_column_privilege(c.oid, 'SELECT') and not pg_catalog.row_security_active(c.oid)
                                                           as statistics_readable,
       pn.nspname::pg_catalog.text                         as parent_schema,
       pc.relname::pg_catalog.text                         as parent_name,
       -- Parents by plain inheritance, schema and name by turns.
       array(select x.part
             from pg_catalog.pg_inherits h
             join pg_catalog.pg_class hc on hc.oid = h.inhparent
             join pg_catalog.pg_namespace hn on hn.oid = hc.relnamespace
             cross join lateral (values (1, hn.nspname::pg_catalog.text), (2, hc.relname::pg_catalog.text)) x (place, part)
             where h.inhrelid = c.oid and not c.relispartition
             order by h.inhseqno, x.place)                 as inherits,
       s.seq_scan::pg_catalog.float8                       as seq_scans,
       s.seq_tup_read::pg_catalog.float8                   as seq_rows,
       coalesce(s.idx_scan, 0)::pg_catalog.float8          as index_scans,
       s.n_tup_ins::pg_catalog.float8                      as inserted_rows,
       s.n_tup_upd::pg_catalog.float8                      as updated_rows,
       s.n_tup_hot_upd::pg_catalog.float8                  as hot_updated_rows,
       s.n_tup_del::pg_catalog.float8                      as deleted_rows,
       s.n_live_tup::pg_catalog.float8                     as live_rows,
       s.n_dead_tup::pg_catalog.float8                     as dead_rows,
       s.n_mod_since_analyze::pg_catalog.float8            as modified_rows,
       extract(epoch from pg_catalog.now() - greatest(s.last_analyze, s.last_autoanalyze))::pg_catalog.float8
                                                           as analyzed_seconds_ago,
       extract(epoch from pg_catalog.now() - greatest(s.last_vacuum, s.last_autovacuum))::pg_catalog.float8
                                                           as vacuumed_seconds_ago
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and c.relispartition
left join pg_catalog.pg_class pc on pc.oid = i.inhparent
left join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
where c.relkind in ('r', 'p', 'm', 'f', 'v')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by n.nspname, c.relname
