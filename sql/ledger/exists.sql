-- purpose: whether the ledger is there and belongs to us: nobody else's word on what we own is taken
-- reads:   pg_class, pg_namespace
-- locks:   none
select c.relname::pg_catalog.text                            as name,
       pg_catalog.pg_has_role(c.relowner, 'USAGE')           as ours,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'advisor' and c.relname in ('ledger', 'ledger_event', 'ledger_sample')
order by 1
