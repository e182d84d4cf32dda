-- purpose: CREATE TYPE and CREATE DOMAIN for enums, domains (without their checks) and composites
-- reads:   pg_type, pg_enum, pg_class, pg_attribute, pg_depend
-- locks:   none
select pg_catalog.format('type %s.%s', n.nspname, t.typname) as object,
       case t.typtype
         when 'e' then pg_catalog.format('create type %I.%I as enum (%s)', n.nspname, t.typname,
              (select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
               from pg_catalog.pg_enum e where e.enumtypid = t.oid))
         when 'd' then pg_catalog.format('create domain %I.%I as %s', n.nspname, t.typname,
              pg_catalog.format_type(t.typbasetype, t.typtypmod))
         else pg_catalog.format('create type %I.%I as (%s)', n.nspname, t.typname,
              (select pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
               from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
       end as ddl
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and (t.typtype in ('e', 'd') or (t.typtype = 'c' and c.relkind = 'c'))
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
order by t.oid
