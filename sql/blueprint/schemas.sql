-- purpose: CREATE SCHEMA for every schema that is not the system's
-- reads:   pg_namespace
-- locks:   none
select pg_catalog.format('schema %s', n.nspname)                          as object,
       pg_catalog.format('create schema if not exists %I', n.nspname)     as ddl
from pg_catalog.pg_namespace n
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname
