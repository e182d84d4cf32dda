-- purpose: installed extensions with version and schema
-- reads:   pg_extension
-- locks:   none
select e.extname::pg_catalog.text    as name,
       e.extversion                  as version,
       n.nspname::pg_catalog.text    as schema
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
order by e.extname
