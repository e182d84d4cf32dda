-- purpose: expressions that run although no parse tree shows them: checks of domains (also inside arrays, ranges and composites), defaults of arguments
-- reads:   pg_type, pg_attribute, pg_range, pg_constraint, pg_proc
-- locks:   none
with recursive mentioned as (
  select unnest($2::pg_catalog.oid[]) as oid
  union
  select part.oid
  from mentioned m
  join pg_catalog.pg_type t on t.oid = m.oid
  cross join lateral (
    select t.typelem
    union all
    select t.typbasetype
    union all
    select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    union all
    select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid = t.oid
  ) as part(oid)
  where part.oid <> 0
)
select c.conbin::pg_catalog.text as tree
from pg_catalog.pg_constraint c
where c.contypid in (select m.oid from mentioned m where m.oid <> 0) and c.conbin is not null
union all
select p.proargdefaults::pg_catalog.text
from pg_catalog.pg_proc p
where p.oid = any($1::pg_catalog.oid[]) and p.proargdefaults is not null
order by 1
