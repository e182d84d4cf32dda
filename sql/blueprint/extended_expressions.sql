-- purpose: statistics of the expressions of CREATE STATISTICS objects, one row per slot; an expression without slots has one row
-- reads:   pg_statistic_ext, pg_statistic_ext_data
-- locks:   none
select n.nspname::pg_catalog.text                    as schema,
       e.stxname::pg_catalog.text                    as name,
       d.inherited                                   as inherited,
       s.expression                                  as expression,
       s.stanullfrac                                 as null_frac,
       s.stawidth                                    as avg_width,
       s.stadistinct                                 as n_distinct,
       l.kind                                        as kind,
       case when l.operator <> 0 then l.operator::pg_catalog.regoperator::pg_catalog.text end      as operator,
       case when l.coll <> 0 then l.coll::pg_catalog.regcollation::pg_catalog.text end   as collation,
       l.numbers                                     as numbers,
       null::pg_catalog.text                         as value_type,
       l.vals::pg_catalog.text[]                     as values
from pg_catalog.pg_statistic_ext e
join pg_catalog.pg_namespace n on n.oid = e.stxnamespace
-- stxdinherit is there since PostgreSQL 15; before, the name means the constant.
cross join (values (false)) as missing (stxdinherit)
cross join lateral (
  select stxdinherit as inherited, x.stxdexpr as rows from pg_catalog.pg_statistic_ext_data x where x.stxoid = e.oid) d
cross join lateral (
  select u.*, pg_catalog.row_number() over () as expression from pg_catalog.unnest(d.rows) u) s
left join lateral (
  select v.place, v.kind, v.operator, v.coll, v.numbers, v.vals
  from (values (1, s.stakind1, s.staop1, s.stacoll1, s.stanumbers1, s.stavalues1::pg_catalog.text),
               (2, s.stakind2, s.staop2, s.stacoll2, s.stanumbers2, s.stavalues2::pg_catalog.text),
               (3, s.stakind3, s.staop3, s.stacoll3, s.stanumbers3, s.stavalues3::pg_catalog.text),
               (4, s.stakind4, s.staop4, s.stacoll4, s.stanumbers4, s.stavalues4::pg_catalog.text),
               (5, s.stakind5, s.staop5, s.stacoll5, s.stanumbers5, s.stavalues5::pg_catalog.text))
       as v (place, kind, operator, coll, numbers, vals)
  where v.kind <> 0
) l on true
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
order by n.nspname, e.stxname, d.inherited, s.expression, l.place
