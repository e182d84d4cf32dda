-- purpose: indexes and the constraints that an index backs, in one order: the planner breaks ties by oid
-- reads:   pg_index, pg_class, pg_constraint, pg_depend
-- locks:   none
-- A partitioned table's index is made ON ONLY it: each partition's comes with its own name and is attached later.
with indexes as (
  select x.indexrelid, i.relname as name, i.reloptions, n.nspname as schema, t.relname as table_name, t.relkind, k.oid as constraint_oid
  from pg_catalog.pg_index x
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  join pg_catalog.pg_class t on t.oid = x.indrelid and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't'
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  left join pg_catalog.pg_constraint k on k.conindid = x.indexrelid and k.conrelid = x.indrelid and k.contype in ('p', 'u', 'x')
  where x.indisvalid and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid in (i.oid, t.oid) and d.deptype = 'e')
), statements as (
  select 1 as step, i.indexrelid, pg_catalog.format('index %s.%s', i.schema, i.name) as object,
         case when i.constraint_oid is null then pg_catalog.pg_get_indexdef(i.indexrelid)
              else pg_catalog.format('alter table only %I.%I add constraint %I %s', i.schema, i.table_name, i.name,
                                     pg_catalog.pg_get_constraintdef(i.constraint_oid)) end as ddl
  from indexes i
  union all
  -- The server writes an index's storage parameters, but not a constraint's.
  select 2, i.indexrelid, pg_catalog.format('storage parameters of index %s.%s', i.schema, i.name),
         pg_catalog.format('alter index %I.%I set (%s)', i.schema, i.name, (select pg_catalog.string_agg(pg_catalog.format('%I = %L',
                   pg_catalog.split_part(o, '=', 1), pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ')
                  from pg_catalog.unnest(i.reloptions) o))
  from indexes i where i.constraint_oid is not null and i.reloptions is not null
)
select s.object, s.ddl
from statements s
order by s.indexrelid, s.step
