-- purpose: foreign tables among relations and all that inherits from them
-- reads:   pg_class, pg_inherits
-- locks:   none
with recursive family as (
  select unnest($1::pg_catalog.oid[]) as oid
  union
  select i.inhrelid from family f join pg_catalog.pg_inherits i on i.inhparent = f.oid
)
select c.relname::pg_catalog.text as name
from family f
join pg_catalog.pg_class c on c.oid = f.oid
where c.relkind = 'f'
order by 1
