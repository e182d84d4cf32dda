-- purpose: indexes and the constraints that an index backs, in one order: the planner breaks ties by oid
-- reads:   pg_index, pg_class, pg_constraint, pg_depend
-- locks:   none
-- A partitioned table's index is made ON ONLY it: each partition's comes with its own name and is attached later.
select pg_catalog.format('index %s.%s', n.nspname, i.relname) as object,
       case when k.oid is null then pg_catalog.pg_get_indexdef(x.indexrelid)
            else pg_catalog.format('alter table only %I.%I add constraint %I %s', n.nspname, t.relname, i.relname,
                                   pg_catalog.pg_get_constraintdef(k.oid)) end as ddl
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class t on t.oid = x.indrelid and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't'
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
left join pg_catalog.pg_constraint k on k.conindid = x.indexrelid and k.conrelid = x.indrelid and k.contype in ('p', 'u', 'x')
where x.indisvalid and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid in (i.oid, t.oid) and d.deptype = 'e')
order by x.indexrelid
