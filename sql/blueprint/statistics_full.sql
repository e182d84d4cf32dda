-- purpose: all slots of all column statistics, one row per slot; a column without slots has one row
-- reads:   pg_statistic, pg_class, pg_attribute, pg_type
-- locks:   none
select n.nspname::pg_catalog.text                    as schema,
       c.relname::pg_catalog.text                    as relation,
       a.attname::pg_catalog.text                    as column,
       s.stainherit                                  as inherited,
       s.stanullfrac                                 as null_frac,
       s.stawidth                                    as avg_width,
       s.stadistinct                                 as n_distinct,
       l.kind                                        as kind,
       case when l.operator <> 0 then l.operator::pg_catalog.regoperator::pg_catalog.text end      as operator,
       case when l.coll <> 0 then l.coll::pg_catalog.regcollation::pg_catalog.text end   as collation,
       l.numbers                                     as numbers,
       l.value_type                                  as value_type,
       l.vals::pg_catalog.text[]                     as values
from pg_catalog.pg_statistic s
join pg_catalog.pg_class c on c.oid = s.starelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = s.starelid and a.attnum = s.staattnum and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join lateral (
  select v.place, v.kind, v.operator, v.coll, v.numbers, v.vals,
         case when b.bytes is not null
              then ((pg_catalog.get_byte(b.bytes, 8)::pg_catalog.int8 << 24) + (pg_catalog.get_byte(b.bytes, 9) << 16)
                    + (pg_catalog.get_byte(b.bytes, 10) << 8) + pg_catalog.get_byte(b.bytes, 11))::pg_catalog.oid::pg_catalog.regtype::pg_catalog.text
         end as value_type
  from (values (1, s.stakind1, s.staop1, s.stacoll1, s.stanumbers1, s.stavalues1::pg_catalog.text),
               (2, s.stakind2, s.staop2, s.stacoll2, s.stanumbers2, s.stavalues2::pg_catalog.text),
               (3, s.stakind3, s.staop3, s.stacoll3, s.stanumbers3, s.stavalues3::pg_catalog.text),
               (4, s.stakind4, s.staop4, s.stacoll4, s.stanumbers4, s.stavalues4::pg_catalog.text),
               (5, s.stakind5, s.staop5, s.stacoll5, s.stanumbers5, s.stavalues5::pg_catalog.text))
       as v (place, kind, operator, coll, numbers, vals)
  -- An index other than a B-tree may store another type than its expression has: the array itself says which it holds.
  cross join lateral (
    select case when c.relkind <> 'i' or c.relam = 403 or v.vals is null or t.typsend = 0 then null
                when v.place = 1 then pg_catalog.array_send(s.stavalues1)
                when v.place = 2 then pg_catalog.array_send(s.stavalues2)
                when v.place = 3 then pg_catalog.array_send(s.stavalues3)
                when v.place = 4 then pg_catalog.array_send(s.stavalues4)
                else pg_catalog.array_send(s.stavalues5) end as bytes) b
  where v.kind <> 0
) l on true
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema' and c.relpersistence <> 't'
order by n.nspname, c.relname, a.attnum, s.stainherit, l.place
