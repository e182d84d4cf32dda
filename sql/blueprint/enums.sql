-- purpose: CREATE TYPE … AS ENUM; the object is named as expressions write the type
-- reads:   pg_type, pg_enum, pg_depend
-- locks:   none
select pg_catalog.format_type(t.oid, null)                      as object,
       pg_catalog.format('create type %I.%I as enum (%s)', n.nspname, t.typname,
         (select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
          from pg_catalog.pg_enum e where e.enumtypid = t.oid)) as ddl
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.typtype = 'e' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
order by t.oid
