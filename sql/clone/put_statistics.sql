-- purpose: write statistics of many columns; says of each whether it was written, and whether values were left out
-- reads:   pg_class, pg_attribute, pg_index, pg_type, pg_range, pg_opclass, pg_amop, pg_operator
-- locks:   RowExclusive on pg_statistic (our own server only)
with recursive given as materialized (
  select g.*
  from rows from (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[]),
                  pg_catalog.unnest($4::pg_catalog.text[]), pg_catalog.unnest($5::pg_catalog.bool[]), pg_catalog.unnest($6::pg_catalog.float4[]),
                  pg_catalog.unnest($7::pg_catalog.int4[]), pg_catalog.unnest($8::pg_catalog.float4[]))
    as g (place, schema, relation, "column", inherited, null_frac, avg_width, n_distinct)
), given_slots as materialized (
  select s.*
  from rows from (pg_catalog.unnest($9::pg_catalog.int4[]), pg_catalog.unnest($10::pg_catalog.int4[]), pg_catalog.unnest($11::pg_catalog.int2[]),
                  pg_catalog.unnest($12::pg_catalog.text[]), pg_catalog.unnest($13::pg_catalog.text[]), pg_catalog.unnest($14::pg_catalog.text[]),
                  pg_catalog.unnest($15::pg_catalog.text[]))
    as s (place, n, kind, operator, coll, given_numbers, given_values)
), domains (oid, base) as (
  select t.oid, t.typbasetype from pg_catalog.pg_type t where t.typtype = 'd'
  union all
  select d.oid, t.typbasetype from domains d join pg_catalog.pg_type t on t.oid = d.base where t.typtype = 'd'
), bases as materialized (
  -- A domain's checks may be anyone's functions, and the superuser would run them: values are read as the type below.
  select d.oid, d.base from domains d join pg_catalog.pg_type t on t.oid = d.base where t.typtype <> 'd'
), targets as materialized (
  select g.*, c.oid as rel, a.attnum, a.attcollation, coalesce(b.base, i.typ) as typ
  from given g
  join pg_catalog.pg_namespace n on n.nspname = g.schema
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = g.relation
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = g."column" and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_index x on x.indexrelid = c.oid
  left join pg_catalog.pg_opclass k on k.oid = x.indclass[a.attnum - 1] and k.opckeytype <> 0
  -- An index may store another type than its expression has, of which the statistics are: GIN the keys of a document, GiST a signature.
  -- The planner hands the values to operators of the expression's type, and would crash over any other.
  cross join lateral (
    select case when k.opckeytype is null then a.atttypid
                when k.opcintype = 'pg_catalog.anyarray'::pg_catalog.regtype then (select t.typarray from pg_catalog.pg_type t where t.oid = a.atttypid)
                when (select t.typtype = 'p' from pg_catalog.pg_type t where t.oid = k.opcintype) then a.atttypid
                else k.opcintype end as typ) i
  left join bases b on b.oid = i.typ
), types as materialized (
  select t.oid, t.typarray,
         case when t.typlen = -1 then t.typelem else 0 end as element,
         coalesce(r.rngtypid, m.rngtypid, 0) as range,
         -- Reading a value must not run functions of the copied schema: base types and enums read in C, and so do these made of them.
         case when t.typlen = -1 and t.typelem <> 0 then e.typtype in ('b', 'e') and (e.typelem = 0 or e.typlen <> -1)
              when t.typtype in ('b', 'e') then true
              when t.typtype in ('r', 'm') then coalesce(r.rngcanonical, m.rngcanonical)::pg_catalog.oid < 16384
                   and coalesce(r.rngsubopc, m.rngsubopc) < 16384 and coalesce(r.rngsubtype, m.rngsubtype) < 16384
              else false end as safe,
         ops.all[1] as lt, ops.all[2] as eq
  from pg_catalog.pg_type t
  left join pg_catalog.pg_type e on e.oid = t.typelem
  left join pg_catalog.pg_range r on r.rngtypid = t.oid
  -- rngmultitypid is there since PostgreSQL 14; before, the name means no type.
  cross join (values (0::pg_catalog.oid)) as missing (rngmultitypid)
  left join lateral (
    select x.rngtypid, x.rngcanonical, x.rngsubopc, x.rngsubtype from pg_catalog.pg_range x where rngmultitypid = t.oid and t.typtype = 'm') m on true
  cross join lateral (
    select array(
      select o.amopopr
      from (select k.* from pg_catalog.pg_opclass k
            where k.opcmethod = 403 and k.opcdefault
              and k.opcintype in (t.oid, case when t.typtype = 'e' then 'pg_catalog.anyenum'::pg_catalog.regtype::pg_catalog.oid
                                              when t.typtype = 'r' then 'pg_catalog.anyrange'::pg_catalog.regtype::pg_catalog.oid
                                              when t.typtype = 'm' then pg_catalog.to_regtype('pg_catalog.anymultirange')::pg_catalog.oid
                                              when t.typtype = 'c' then 'pg_catalog.record'::pg_catalog.regtype::pg_catalog.oid
                                              when t.typelem <> 0 and t.typlen = -1 then 'pg_catalog.anyarray'::pg_catalog.regtype::pg_catalog.oid
                                              when t.oid = 'pg_catalog.varchar'::pg_catalog.regtype::pg_catalog.oid then 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
                                              when t.oid = 'pg_catalog.cidr'::pg_catalog.regtype::pg_catalog.oid then 'pg_catalog.inet'::pg_catalog.regtype::pg_catalog.oid
                                              else t.oid end)
            order by (k.opcintype = t.oid) desc, k.oid limit 1) k
      join pg_catalog.pg_amop o on o.amopfamily = k.opcfamily and o.amoplefttype = k.opcintype and o.amoprighttype = k.opcintype
      where o.amopstrategy in (1, 3)
      order by o.amopstrategy) as all) ops
  where t.oid in (select x.typ from targets x
                  union select y.typelem from targets x join pg_catalog.pg_type y on y.oid = x.typ
                  union select 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
                  union select 'pg_catalog.float8'::pg_catalog.regtype::pg_catalog.oid)
     or t.typtype = 'r'
), slots as materialized (
  select g.place, g.n, g.kind, g.given_values is not null and not coalesce(v.safe, false) as reduced,
         coalesce(case when g.kind in (1, 4, 5) then v.eq when g.kind in (2, 3, 6) then v.lt end,
                  -- A type without an order of its own: what the other server said, if it fits.
                  (select o.oid from pg_catalog.pg_operator o
                   where o.oid = pg_catalog.to_regoperator(g.operator)::pg_catalog.oid and o.oprleft = v.oid and o.oprright = v.oid), 0) as operator,
         case when g.kind in (6, 7) then 0
              else coalesce(pg_catalog.to_regcollation(g.coll)::pg_catalog.oid,
                            case when own.oid = 'pg_catalog.tsvector'::pg_catalog.regtype::pg_catalog.oid then 100 else g.attcollation end) end as coll,
         g.given_numbers, case when v.safe then v.oid else 0 end as value_type, case when v.safe then g.given_values end as given_values
  from (select s.*, t.typ, t.attcollation from targets t join given_slots s on s.place = t.place) g
  left join types own on own.oid = g.typ
  left join types v on v.oid = case
    when g.kind in (1, 2, 3) then g.typ
    when g.kind in (4, 5) and own.oid = 'pg_catalog.tsvector'::pg_catalog.regtype::pg_catalog.oid then 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
    when g.kind in (4, 5) then own.element
    when g.kind = 6 then 'pg_catalog.float8'::pg_catalog.regtype::pg_catalog.oid
    when g.kind = 7 then own.range
    else 0 end
), rows as (
  select t.place, t.rel, t.attnum, t.inherited, t.null_frac, t.avg_width, t.n_distinct,
         coalesce(pg_catalog.bool_or(s.reduced), false) as reduced,
         coalesce(pg_catalog.array_agg(s.kind order by s.n) filter (where not s.reduced), '{}') as kinds,
         pg_catalog.array_agg(s.operator order by s.n) filter (where not s.reduced) as ops, pg_catalog.array_agg(s.coll order by s.n) filter (where not s.reduced) as colls,
         pg_catalog.array_agg(s.given_numbers order by s.n) filter (where not s.reduced) as numbers, pg_catalog.array_agg(s.value_type order by s.n) filter (where not s.reduced) as types,
         pg_catalog.array_agg(s.given_values order by s.n) filter (where not s.reduced) as vals
  from targets t left join slots s on s.place = t.place
  group by t.place, t.rel, t.attnum, t.inherited, t.null_frac, t.avg_width, t.n_distinct
), written as (
  insert into pg_catalog.pg_statistic
    (starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
     stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5,
     stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
     stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5,
     stavalues1, stavalues2, stavalues3, stavalues4, stavalues5)
  select r.rel, r.attnum, r.inherited, coalesce(r.null_frac, 0), coalesce(r.avg_width, 0), coalesce(r.n_distinct, 0),
         coalesce(r.kinds[1], 0), coalesce(r.kinds[2], 0), coalesce(r.kinds[3], 0), coalesce(r.kinds[4], 0), coalesce(r.kinds[5], 0),
         coalesce(r.ops[1], 0), coalesce(r.ops[2], 0), coalesce(r.ops[3], 0), coalesce(r.ops[4], 0), coalesce(r.ops[5], 0),
         coalesce(r.colls[1], 0), coalesce(r.colls[2], 0), coalesce(r.colls[3], 0), coalesce(r.colls[4], 0), coalesce(r.colls[5], 0),
         r.numbers[1]::pg_catalog.float4[], r.numbers[2]::pg_catalog.float4[], r.numbers[3]::pg_catalog.float4[],
         r.numbers[4]::pg_catalog.float4[], r.numbers[5]::pg_catalog.float4[],
         case when r.vals[1] is not null then pg_catalog.array_in(pg_catalog.textout(r.vals[1]), r.types[1], -1) end,
         case when r.vals[2] is not null then pg_catalog.array_in(pg_catalog.textout(r.vals[2]), r.types[2], -1) end,
         case when r.vals[3] is not null then pg_catalog.array_in(pg_catalog.textout(r.vals[3]), r.types[3], -1) end,
         case when r.vals[4] is not null then pg_catalog.array_in(pg_catalog.textout(r.vals[4]), r.types[4], -1) end,
         case when r.vals[5] is not null then pg_catalog.array_in(pg_catalog.textout(r.vals[5]), r.types[5], -1) end
  from rows r
  returning starelid, staattnum, stainherit
)
select r.place, r.reduced
from rows r
join written w on w.starelid = r.rel and w.staattnum = r.attnum and w.stainherit = r.inherited
order by r.place
