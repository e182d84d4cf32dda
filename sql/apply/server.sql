-- purpose: whether this server can build indexes at all
-- reads:   settings, pg_is_in_recovery(), roles and their members
-- locks:   none
select pg_catalog.current_setting('server_version_num')::pg_catalog.int4   as version_num,
       pg_catalog.current_setting('server_version')                        as version,
       pg_catalog.current_database()::pg_catalog.text                      as database,
       pg_catalog.pg_is_in_recovery()                                      as is_standby,
       pg_catalog.current_setting('default_transaction_read_only') = 'on'  as read_only,
       current_user::pg_catalog.text                                       as role,
       -- A role taken with SET ROLE has only its own rights over the sessions of the login.
       case when not pg_catalog.pg_has_role(session_user, 'USAGE')
                 and not (pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') and pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
                          and not exists (select from pg_catalog.pg_roles as r where r.rolname = session_user and r.rolsuper))
            then session_user::pg_catalog.text end                         as blind_to
order by 1
