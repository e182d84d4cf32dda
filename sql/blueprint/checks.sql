-- purpose: CHECK constraints of tables and domains, and NOT NULLs that are not validated (18 and later)
-- reads:   pg_constraint, pg_class, pg_type, pg_depend
-- locks:   none
-- A child gets what it only inherits together with its parent's. A partition's is never its own as well.
select pg_catalog.format('constraint %s on %s.%s', k.conname, n.nspname, coalesce(c.relname, t.typname)) as object,
       pg_catalog.format('alter %s %I.%I add constraint %I %s', case when c.oid is null then 'domain' else 'table' end,
                         n.nspname, coalesce(c.relname, t.typname), k.conname, pg_catalog.pg_get_constraintdef(k.oid)) as ddl
from pg_catalog.pg_constraint k
left join pg_catalog.pg_class c on c.oid = k.conrelid
left join pg_catalog.pg_type t on t.oid = k.contypid
join pg_catalog.pg_namespace n on n.oid = k.connamespace
where (k.contype = 'c' or (k.contype = 'n' and not k.convalidated))
  and (c.relkind in ('r', 'p', 'f') or t.typtype = 'd')
  and (k.coninhcount = 0 or (k.conislocal and not c.relispartition))
  and c.relpersistence is distinct from 't'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where (d.classid, d.objid) in (('pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid),
                                                 ('pg_catalog.pg_type'::pg_catalog.regclass, k.contypid)) and d.deptype = 'e')
-- Domains first: a table's check may rely on them.
order by k.contypid = 0, k.coninhcount, k.oid
