-- purpose: what indexes get once all are there: storage parameters of those that constraints made, ATTACH PARTITION
-- reads:   pg_inherits, pg_index, pg_class, pg_constraint, pg_depend
-- locks:   none
-- The server writes storage parameters with an index, but not with a constraint.
with statements as (
  select 1 as step, i.oid, n.nspname as schema, pg_catalog.format('storage parameters of index %s.%s', n.nspname, i.relname) as object,
         pg_catalog.format('alter index %I.%I set (%s)', n.nspname, i.relname,
           (select pg_catalog.string_agg(pg_catalog.format('%I = %L', pg_catalog.split_part(o, '=', 1),
                                                           pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ')
            from pg_catalog.unnest(i.reloptions) o)) as ddl
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class i on i.oid = k.conindid and i.reloptions is not null
  join pg_catalog.pg_index x on x.indexrelid = i.oid and x.indisvalid
  join pg_catalog.pg_namespace n on n.oid = i.relnamespace
  where k.contype in ('p', 'u', 'x')
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid in (i.oid, x.indrelid) and d.deptype = 'e')
  union all
  select 2, c.oid, cn.nspname, pg_catalog.format('attachment of index %s.%s', cn.nspname, c.relname),
         pg_catalog.format('alter index %I.%I attach partition %I.%I', pn.nspname, p.relname, cn.nspname, c.relname)
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relkind in ('i', 'I')
  join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = i.inhparent
  join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
  join pg_catalog.pg_index x on x.indexrelid = p.oid and x.indisvalid
)
select s.object, s.ddl
from statements s
where s.schema not like 'pg\_%' and s.schema <> 'information_schema'
order by s.step, s.oid
