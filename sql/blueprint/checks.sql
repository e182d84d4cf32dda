-- purpose: CHECK constraints of tables, and NOT NULLs that are not validated (18 and later)
-- reads:   pg_constraint, pg_class, pg_depend
-- locks:   none
-- Of every table, also where it only inherits them: a child must have its parent's before it becomes its child.
select pg_catalog.format('constraint %s on %s.%s', k.conname, n.nspname, c.relname) as object,
       pg_catalog.format('alter table %I.%I add constraint %I %s', n.nspname, c.relname, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid))                    as ddl
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where (k.contype = 'c' or (k.contype = 'n' and not k.convalidated))
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by k.oid
