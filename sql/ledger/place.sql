-- purpose: where the ledger may be: this database's OID, and whether this role may make schema and tables in it
-- reads:   pg_database, pg_namespace
-- locks:   none
select d.oid                                                                         as database_oid,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
                pg_catalog.has_database_privilege(d.oid, 'CREATE'))                  as may_create
from pg_catalog.pg_database as d
left join pg_catalog.pg_namespace as n on n.nspname = 'advisor'
where d.datname = pg_catalog.current_database()
order by 1
