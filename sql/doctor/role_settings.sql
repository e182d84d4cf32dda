-- purpose: timeouts set for our role, for this database, or for both; ours would hide them in pg_settings
-- reads:   pg_db_role_setting
-- locks:   none
select pg_catalog.split_part(c.entry, '=', 1)                             as name,
       pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1)    as value,
       s.setrole <> 0                                                     as for_role,
       s.setdatabase <> 0                                                 as for_database
from pg_catalog.pg_db_role_setting s
cross join lateral pg_catalog.unnest(s.setconfig) as c(entry)
where (s.setrole = 0 or s.setrole = (select r.oid from pg_catalog.pg_roles r where r.rolname = session_user order by 1))
  and (s.setdatabase = 0 or s.setdatabase = (select d.oid from pg_catalog.pg_database d
                                             where d.datname = pg_catalog.current_database() order by 1))
  and pg_catalog.split_part(c.entry, '=', 1)
      in ('statement_timeout', 'lock_timeout', 'idle_session_timeout', 'transaction_timeout')
order by 1, 3, 4
