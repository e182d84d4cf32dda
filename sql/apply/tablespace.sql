-- purpose: where a new index would lie, whether we may put it there, and in which folder that is; NULL is the default of role and database
-- reads:   pg_tablespace, pg_database, settings
-- locks:   none
select t.spcname::pg_catalog.text                                                                     as name,
       t.oid = d.dattablespace or pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')                as may_create,
       pg_catalog.pg_tablespace_location(t.oid)                                                       as folder
from pg_catalog.pg_database as d
join pg_catalog.pg_tablespace as t
  on case when coalesce($1::pg_catalog.text, pg_catalog.current_setting('default_tablespace')) = '' then t.oid = d.dattablespace
          else t.spcname = coalesce($1::pg_catalog.text, pg_catalog.current_setting('default_tablespace')) end
where d.datname = pg_catalog.current_database()
order by 1
