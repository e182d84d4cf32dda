-- purpose: the extensions that help, as the server offers and this database has them
-- reads:   pg_available_extensions, pg_extension
-- locks:   none
select w.name             as name,
       a.default_version  as available_version,
       e.extversion       as installed_version,
       n.nspname::pg_catalog.text as schema
from pg_catalog.unnest(array['hypopg', 'pg_stat_statements', 'pg_trgm']) as w(name)
left join pg_catalog.pg_available_extensions a on a.name = w.name
left join pg_catalog.pg_extension e on e.extname = w.name
left join pg_catalog.pg_namespace n on n.oid = e.extnamespace
order by w.name
