-- purpose: who answers on a new connection, and which of our settings are in force there
-- reads:   settings, pg_backend_pid(), pg_is_in_recovery()
-- locks:   none
select pg_catalog.pg_backend_pid()                                       as backend_pid,
       pg_catalog.pg_is_in_recovery()                                    as is_standby,
       pg_catalog.current_setting('is_superuser')                        as is_superuser,
       pg_catalog.current_setting('server_version_num')                  as version_num,
       pg_catalog.max(s.setting) filter (where s.name = 'default_transaction_read_only') as default_transaction_read_only,
       pg_catalog.max(s.setting) filter (where s.name = 'lock_timeout')      as lock_timeout,
       pg_catalog.max(s.setting) filter (where s.name = 'statement_timeout') as statement_timeout
from pg_catalog.pg_settings as s
where s.name in ('default_transaction_read_only', 'lock_timeout', 'statement_timeout')
order by 1
