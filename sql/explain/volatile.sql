-- purpose: of the functions and operators a query calls (aggregates: their parts too), those whose effects nobody can rule out
-- reads:   pg_proc, pg_operator, pg_aggregate
-- locks:   none
with called as (
  select unnest($1::pg_catalog.oid[]) as oid
  union
  select o.oprcode from pg_catalog.pg_operator o where o.oid = any($2::pg_catalog.oid[])
), expanded as (
  select c.oid from called c
  union
  select part.oid
  from called c
  join pg_catalog.pg_aggregate a on a.aggfnoid = c.oid
  cross join lateral unnest(array[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                  a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) as part(oid)
)
select pg_catalog.format('%s.%s', n.nspname, p.proname) as function
from expanded e
join pg_catalog.pg_proc p on p.oid = e.oid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where (p.provolatile = 'v'
       -- Stable by declaration, and yet it runs whatever a view of that name holds.
       or (n.nspname = 'pg_catalog' and p.proname ~ '^(table|schema|database)_to_xml'))
  and not (n.nspname = 'pg_catalog'
           and p.proname in ('random', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'random_normal'))
order by 1
