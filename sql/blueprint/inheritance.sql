-- purpose: ATTACH PARTITION and INHERIT
-- reads:   pg_inherits, pg_class
-- locks:   none
-- pg_inherits as JSON: partitions can be half detached since 14; the planner no longer sees such a one.
select pg_catalog.format('partition %s.%s', n.nspname, c.relname) as object,
       case when c.relispartition
         then pg_catalog.format('alter table %I.%I attach partition %I.%I %s', pn.nspname, p.relname, n.nspname, c.relname,
                                pg_catalog.pg_get_expr(c.relpartbound, c.oid))
         else pg_catalog.format('alter table %I.%I inherit %I.%I', n.nspname, c.relname, pn.nspname, p.relname)
       end as ddl
from pg_catalog.pg_inherits i
join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relkind in ('r', 'p', 'f')
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = i.inhparent
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::pg_catalog.bool, false)
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid, i.inhseqno
