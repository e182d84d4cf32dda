-- purpose: whether this server can build indexes at all
-- reads:   settings and pg_is_in_recovery()
-- locks:   none
select pg_catalog.current_setting('server_version_num')::pg_catalog.int4   as version_num,
       pg_catalog.current_setting('server_version')                        as version,
       pg_catalog.current_database()::pg_catalog.text                      as database,
       pg_catalog.pg_is_in_recovery()                                      as is_standby,
       pg_catalog.current_setting('default_transaction_read_only') = 'on'  as read_only,
       current_user::pg_catalog.text                                       as role
order by 1
