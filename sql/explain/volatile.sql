-- purpose: why a query must not be run: functions and operators it calls, types it coerces to and relations it reads whose effects nobody can rule out
-- reads:   pg_proc, pg_operator, pg_aggregate, pg_type, pg_attribute, pg_range, pg_constraint, pg_cast, pg_inherits, pg_class
-- locks:   none
with recursive touched as (
  -- A value of a type is also its elements, its fields, and a value of the type below a domain or range.
  select pg_catalog.unnest($3::pg_catalog.oid[]) as oid
  union
  select part.oid
  from touched x
  join pg_catalog.pg_type t on t.oid = x.oid
  cross join lateral (
    select t.typbasetype
    union all select t.typelem
    union all select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    union all select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid = t.oid
  ) as part (oid)
), called as (
  select pg_catalog.unnest($1::pg_catalog.oid[]) as oid
  union all
  select o.oprcode::pg_catalog.oid from pg_catalog.pg_operator o where o.oid = any($2::pg_catalog.oid[])
  union all
  -- What a domain's checks call, read from the stored expression: built-in functions leave no dependency.
  select m.id[1]::pg_catalog.oid
  from touched x
  join pg_catalog.pg_constraint k on k.contypid = x.oid
  cross join lateral pg_catalog.regexp_matches(k.conbin::pg_catalog.text, ':(?:funcid|opfuncid) (\d+)', 'g') as m (id)
  union all
  -- to_json and its kin look for a cast of the value's type.
  select k.castfunc
  from touched x
  join pg_catalog.pg_cast k on k.castsource = x.oid
  where k.casttarget in ('pg_catalog.json'::pg_catalog.regtype::pg_catalog.oid, 'pg_catalog.jsonb'::pg_catalog.regtype::pg_catalog.oid)
), expanded as (
  select c.oid from called c
  union
  select part.oid
  from expanded e
  cross join lateral (
    select pg_catalog.unnest(array[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                   a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[])
    from pg_catalog.pg_aggregate a where a.aggfnoid = e.oid
    union all
    -- Defaults of arguments enter a call only after it was parsed.
    select m.id[1]::pg_catalog.oid
    from pg_catalog.pg_proc d
    cross join lateral pg_catalog.regexp_matches(d.proargdefaults::pg_catalog.text, ':(?:funcid|opfuncid) (\d+)', 'g') as m (id)
    where d.oid = e.oid
  ) as part (oid)
), below as (
  select pg_catalog.unnest($4::pg_catalog.oid[]) as oid
  union
  select i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid
)
select pg_catalog.format('calls %s.%s', n.nspname, p.proname) as reason
from expanded e
join pg_catalog.pg_proc p on p.oid = e.oid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where case
        -- Stable by declaration, and yet they run whatever a view calls.
        when n.nspname = 'pg_catalog' and p.proname ~ '^(table|schema|database)_to_xml' then true
        when p.provolatile = 'v' then
          not (n.nspname = 'pg_catalog'
               and p.proname in ('random', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'random_normal',
                                 'bernoulli', 'system'))
        else false
      end
union
select pg_catalog.format('reads foreign table %s.%s', n.nspname, c.relname)
from below b
join pg_catalog.pg_class c on c.oid = b.oid and c.relkind = 'f'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by reason
