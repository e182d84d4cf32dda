-- purpose: which cluster this is; a role may be kept from asking
-- reads:   pg_control_system()
-- locks:   none
select c.system_identifier as system
from pg_catalog.pg_control_system() as c
order by 1
