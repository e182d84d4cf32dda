-- purpose: which server and database we are on
-- reads:   settings and pg_is_in_recovery()
-- locks:   none
select pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version_num,
       pg_catalog.current_setting('server_version')                     as version,
       pg_catalog.current_database()::pg_catalog.text                   as database,
       pg_catalog.pg_is_in_recovery()                                   as is_standby
order by 1
