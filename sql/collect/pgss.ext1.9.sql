-- purpose: what ran in this database, per role; extension version 1.9
-- reads:   pg_stat_statements, reached by search_path
-- locks:   none
-- The text of a statement that is neither a query nor index DDL never leaves the server: it can
-- hold a password. What precedes the first keyword may be white space, comments and parentheses.
select r.rolname::pg_catalog.text                          as role,
       -- Row-level security is not for it.
       coalesce(r.rolsuper or r.rolbypassrls, true)        as sees_all_rows,
       s.query                                             as query,
       coalesce(s.query = '<insufficient privilege>', false) as hidden,
       s.calls::pg_catalog.float8                          as calls,
       s.total_exec_time                                   as total_ms,
       s.min_exec_time                                     as min_ms,
       s.max_exec_time                                     as max_ms,
       s.stddev_exec_time                                  as stddev_ms,
       s.total_plan_time                                   as plan_ms,
       s.rows::pg_catalog.float8                           as rows,
       s.shared_blks_hit::pg_catalog.float8                as shared_hit_blocks,
       s.shared_blks_read::pg_catalog.float8               as shared_read_blocks,
       s.temp_blks_written::pg_catalog.float8              as temp_written_blocks,
       s.wal_bytes::pg_catalog.float8                      as wal_bytes
from pg_stat_statements s
left join pg_catalog.pg_roles r on r.oid = s.userid
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  and s.calls > 0
  -- What functions run is part of the statement that called them.
  and s.toplevel
  and (s.query is null
       or s.query = '<insufficient privilege>'
       or s.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(select|with|insert|update|delete|merge|values|table|create\s+(unique\s+)?index|drop\s+index|reindex)\M'
          -- Ours.
          and s.query not like '%/* advisor */'
          -- What foreign keys run behind a statement.
          and s.query !~ '(FROM|UPDATE) ONLY .* OPERATOR\(pg_catalog\.=\) ')
order by s.total_exec_time desc, s.queryid, s.userid
