-- purpose: defaults and identity of columns
-- reads:   pg_attrdef, pg_attribute, pg_class, pg_depend
-- locks:   none
with tables as (
  select c.oid, c.relkind, n.nspname as schema, c.relname as name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
    and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
), statements as (
  select t.oid, a.attnum, t.schema, t.name, a.attname, 'only ' as only,
         pg_catalog.format('set default %s', pg_catalog.pg_get_expr(e.adbin, e.adrelid)) as action
  from tables t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  join pg_catalog.pg_attrdef e on e.adrelid = t.oid and e.adnum = a.attnum
  union all
  -- Since 17 a partitioned table's identity is its partitions' too, and ONLY is refused; it has none yet.
  -- A partition that has its identity from its parent (17 and later) has no sequence of its own.
  select t.oid, a.attnum, t.schema, t.name, a.attname, case t.relkind when 'p' then '' else 'only ' end,
         -- Where the numbers start and end changes no plan.
         pg_catalog.format('add generated %s as identity (sequence name %I.%I)',
           case a.attidentity when 'a' then 'always' else 'by default' end, sn.nspname, sc.relname)
  from tables t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attidentity <> '' and not a.attisdropped
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid
    and d.refobjsubid = a.attnum and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'i'
  join pg_catalog.pg_class sc on sc.oid = d.objid and sc.relkind = 'S'
  join pg_catalog.pg_namespace sn on sn.oid = sc.relnamespace
)
select pg_catalog.format('default of %s.%s.%s', s.schema, s.name, s.attname) as object,
       pg_catalog.format('alter table %s%I.%I alter column %I %s', s.only, s.schema, s.name, s.attname, s.action) as ddl
from statements s
order by s.oid, s.attnum
