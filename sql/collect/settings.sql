-- purpose: settings by name, as SHOW prints them; those the server does not know or hides are absent
-- reads:   pg_settings
-- locks:   none
select s.name,
       pg_catalog.current_setting(s.name, true) as value
from pg_catalog.pg_settings s
where s.name = any ($1::pg_catalog.text[])
order by s.name collate "C"
