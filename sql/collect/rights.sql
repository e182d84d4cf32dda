-- purpose: who we are, what we may see, and the search_path a role gets that sets none
-- reads:   pg_settings, role membership
-- locks:   none
select current_user::pg_catalog.text                                                as role,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')           as reads_all_stats,
       -- Our own role or database may override it; what the server's file says is then not visible.
       case when s.source in ('client', 'database', 'user', 'database user', 'global')
            then s.boot_val else s.reset_val end                                    as default_search_path
from pg_catalog.pg_settings s
where s.name = 'search_path'
order by 1
