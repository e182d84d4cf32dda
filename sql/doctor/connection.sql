-- purpose: who we are on the server, and how the server sees our connection
-- reads:   pg_roles, pg_stat_ssl of our own backend
-- locks:   none
select r.rolname::pg_catalog.text as role,
       r.rolsuper                 as superuser,
       s.version                  as tls_version,
       s.cipher                   as tls_cipher
from pg_catalog.pg_roles r
left join pg_catalog.pg_stat_ssl s on s.pid = pg_catalog.pg_backend_pid() and s.ssl
where r.rolname = current_user
order by 1
