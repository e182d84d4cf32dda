-- purpose: settings of roles and of this database, of the named ones, the strongest of each first
-- reads:   pg_db_role_setting
-- locks:   none
select r.rolname::pg_catalog.text                               as role,
       s.setdatabase <> 0                                       as in_database,
       pg_catalog.split_part(c.setting, '=', 1)                 as name,
       pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) as value
from pg_catalog.pg_db_role_setting s
left join pg_catalog.pg_roles r on r.oid = s.setrole
cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
where pg_catalog.split_part(c.setting, '=', 1) = any ($1::pg_catalog.text[])
  and (s.setrole = 0 or r.oid is not null)
  and s.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
order by s.setrole <> 0 desc, s.setdatabase <> 0 desc, r.rolname, name
