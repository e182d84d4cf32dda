-- purpose: CHECK constraints of domains
-- reads:   pg_constraint, pg_type, pg_depend
-- locks:   none
select pg_catalog.format('constraint %s on domain %s.%s', k.conname, n.nspname, t.typname) as object,
       pg_catalog.format('alter domain %I.%I add constraint %I %s', n.nspname, t.typname, k.conname,
                         pg_catalog.pg_get_constraintdef(k.oid))                            as ddl
from pg_catalog.pg_constraint k
join pg_catalog.pg_type t on t.oid = k.contypid and t.typtype = 'd'
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where k.contype = 'c' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
order by k.oid
