-- purpose: what our role may read and change
-- reads:   role membership, privileges of tables and of the database, pg_namespace
-- locks:   none
with tables as (
    select pg_catalog.has_any_column_privilege(c.oid, 'SELECT') as readable,
           pg_catalog.pg_has_role(c.relowner, 'USAGE')          as ours,
           pg_catalog.pg_get_userbyid(c.relowner)               as owner
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm')
      and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'advisor')
)
select pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')               as reads_all_stats,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')       as creates_schemas,
       (select pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_schema_privilege(n.oid, 'CREATE')
        from pg_catalog.pg_namespace n where n.nspname = 'advisor' order by 1)          as ledger_usable,
       (select pg_catalog.count(*) from tables order by 1)                              as tables,
       (select pg_catalog.count(*) from tables where readable order by 1)               as readable_tables,
       (select pg_catalog.count(*) from tables where ours order by 1)                   as own_tables,
       (select pg_catalog.array_agg(distinct t.owner::pg_catalog.text order by t.owner::pg_catalog.text)
        from tables t where not t.ours order by 1)                                      as other_owners
order by 1
