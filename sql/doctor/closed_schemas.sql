-- purpose: schemas that hold tables of ours where we may create nothing, so no index either
-- reads:   pg_class, pg_namespace, privileges
-- locks:   none
select n.nspname::pg_catalog.text as schema
from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'advisor')
  and not pg_catalog.has_schema_privilege(n.oid, 'CREATE')
  and exists (select 1 from pg_catalog.pg_class c
              where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'm') and pg_catalog.pg_has_role(c.relowner, 'USAGE')
              order by 1)
order by n.nspname
