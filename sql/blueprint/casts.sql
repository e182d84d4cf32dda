-- purpose: CREATE CAST for casts by a function or by the types' texts
-- reads:   pg_cast, pg_type, pg_proc, pg_depend
-- locks:   none
select pg_catalog.format('cast (%s as %s)', s.name, t.name) as object,
       pg_catalog.format('create cast (%s as %s) %s%s', s.name, t.name,
         case c.castmethod when 'i' then 'with inout' when 'b' then 'without function'
           else pg_catalog.format('with function %s', c.castfunc::pg_catalog.regprocedure) end,
         case c.castcontext when 'i' then ' as implicit' when 'a' then ' as assignment' else '' end) as ddl
from pg_catalog.pg_cast c
cross join lateral (select pg_catalog.format_type(c.castsource, null) as name) s
cross join lateral (select pg_catalog.format_type(c.casttarget, null) as name) t
-- What initdb made has an oid below 16384; a range's cast to its multirange comes with the range.
where c.oid >= 16384
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('e', 'i'))
order by c.oid
