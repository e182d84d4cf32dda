-- purpose: CREATE OPERATOR for those whose function is the server's own, an extension's or rebuilt
-- reads:   pg_operator, pg_proc, pg_language, pg_depend
-- locks:   none
with functions as (
  select f.oid, pg_catalog.format('%I.%I', fn.nspname, f.proname) as name
  from pg_catalog.pg_proc f join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
), operators as (
  select x.oid, pg_catalog.format('operator(%I.%s)', xn.nspname, x.oprname) as name
  from pg_catalog.pg_operator x join pg_catalog.pg_namespace xn on xn.oid = x.oprnamespace
)
select pg_catalog.format('operator %s.%s(%s, %s)', n.nspname, o.oprname, l.name, r.name) as object,
       pg_catalog.format('create operator %I.%s (%s)', n.nspname, o.oprname, pg_catalog.concat_ws(', ',
         'procedure = ' || (select f.name from functions f where f.oid = o.oprcode),
         'leftarg = ' || l.name,
         'rightarg = ' || r.name,
         'commutator = ' || (select x.name from operators x where x.oid = o.oprcom),
         'negator = ' || (select x.name from operators x where x.oid = o.oprnegate),
         'restrict = ' || (select f.name from functions f where f.oid = o.oprrest),
         'join = ' || (select f.name from functions f where f.oid = o.oprjoin),
         case when o.oprcanhash then 'hashes' end,
         case when o.oprcanmerge then 'merges' end)) as ddl
from pg_catalog.pg_operator o
join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
join pg_catalog.pg_proc p on p.oid = o.oprcode
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
join pg_catalog.pg_language g on g.oid = p.prolang
cross join lateral (select case when o.oprleft <> 0 then pg_catalog.format_type(o.oprleft, null) end as name) l
cross join lateral (select case when o.oprright <> 0 then pg_catalog.format_type(o.oprright, null) end as name) r
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and (pn.nspname = 'pg_catalog' or g.lanname in ('sql', 'plpgsql')
       or exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'))
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and d.objid = o.oid and d.deptype = 'e')
order by o.oid
