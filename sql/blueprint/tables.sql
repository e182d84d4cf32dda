-- purpose: CREATE TABLE for tables, partitioned, materialized and foreign ones: columns, types, NOT NULL, collations
-- reads:   pg_class, pg_attribute, pg_collation, pg_depend
-- locks:   none
select pg_catalog.format('table %s.%s', n.nspname, c.relname) as object,
       pg_catalog.format('create table %I.%I (%s)%s', n.nspname, c.relname,
         (select pg_catalog.string_agg(
                   pg_catalog.format('%I %s%s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                     case when a.attcollation <> t.typcollation
                          then (select pg_catalog.format(' collate %I.%I', cn.nspname, co.collname)
                                from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
                                where co.oid = a.attcollation) else '' end,
                     case when a.attnotnull then ' not null' else '' end), ', ' order by a.attnum)
          from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
         case when c.relkind = 'p' then ' partition by ' || pg_catalog.pg_get_partkeydef(c.oid) else '' end) as ddl
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
