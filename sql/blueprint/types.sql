-- purpose: CREATE TYPE and CREATE DOMAIN for composites, ranges and domains (their checks come later)
-- reads:   pg_type, pg_range, pg_constraint, pg_class, pg_attribute, pg_collation, pg_opclass, pg_proc, pg_depend
-- locks:   none
-- pg_range as JSON: multiranges came with 14. A range's canonical function is in C and left out.
with collations as (
  select co.oid, pg_catalog.format('%I.%I', cn.nspname, co.collname) as name
  from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
)
select pg_catalog.format('type %s.%s', n.nspname, t.typname) as object,
       case t.typtype
         when 'd' then pg_catalog.format('create domain %I.%I as %s%s%s%s', n.nspname, t.typname,
              pg_catalog.format_type(t.typbasetype, t.typtypmod),
              case when t.typcollation <> b.typcollation
                   then ' collate ' || (select co.name from collations co where co.oid = t.typcollation) else '' end,
              ' default ' || pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass),
              case when t.typnotnull
                   then coalesce((select pg_catalog.format(' constraint %I', k.conname) from pg_catalog.pg_constraint k
                                  where k.contypid = t.oid and k.contype = 'n'), '') || ' not null' else '' end)
         when 'r' then (
              select pg_catalog.format('create type %I.%I as range (%s)', n.nspname, t.typname, pg_catalog.concat_ws(', ',
                       'subtype = ' || pg_catalog.format_type(r.rngsubtype, null),
                       (select pg_catalog.format('subtype_opclass = %I.%I', pn.nspname, p.opcname)
                        from pg_catalog.pg_opclass p join pg_catalog.pg_namespace pn on pn.oid = p.opcnamespace where p.oid = r.rngsubopc),
                       'collation = ' || (select co.name from collations co where co.oid = r.rngcollation),
                       (select pg_catalog.format('subtype_diff = %I.%I', fn.nspname, f.proname)
                        from pg_catalog.pg_proc f join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace where f.oid = r.rngsubdiff),
                       (select pg_catalog.format('multirange_type_name = %I.%I', mn.nspname, m.typname)
                        from pg_catalog.pg_type m join pg_catalog.pg_namespace mn on mn.oid = m.typnamespace
                        where m.oid = (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid)))
              from pg_catalog.pg_range r where r.rngtypid = t.oid)
         else pg_catalog.format('create type %I.%I as (%s)', n.nspname, t.typname,
              (select pg_catalog.string_agg(pg_catalog.format('%I %s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                        case when a.attcollation <> u.typcollation
                             then ' collate ' || (select co.name from collations co where co.oid = a.attcollation) else '' end),
                        ', ' order by a.attnum)
               from pg_catalog.pg_attribute a join pg_catalog.pg_type u on u.oid = a.atttypid
               where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
       end as ddl
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_type b on b.oid = t.typbasetype
left join pg_catalog.pg_class c on c.oid = t.typrelid
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and (t.typtype in ('d', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
  and not exists (select from pg_catalog.pg_depend d
                  where (d.classid, d.objid) in (('pg_catalog.pg_type'::pg_catalog.regclass, t.oid),
                                                 ('pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid)) and d.deptype = 'e')
order by t.oid
