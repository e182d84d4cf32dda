-- purpose: CREATE TABLE for tables, partitioned, materialized and foreign ones: columns, types, collations, NOT NULL, storage parameters
-- reads:   pg_class, pg_attribute, pg_attrdef, pg_constraint, pg_collation, pg_depend
-- locks:   none
-- A generated column has its expression here, for it can be given nowhere else. PostgreSQL 18 names NOT NULLs.
select pg_catalog.format('table %s.%s', n.nspname, c.relname) as object,
       pg_catalog.format('create %stable %I.%I (%s)%s%s',
         case when c.relpersistence = 'u' then 'unlogged ' else '' end, n.nspname, c.relname,
         (select pg_catalog.string_agg(
                   pg_catalog.format('%I %s%s%s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                     case when a.attcollation <> t.typcollation
                          then (select pg_catalog.format(' collate %I.%I', cn.nspname, co.collname)
                                from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
                                where co.oid = a.attcollation) else '' end,
                     case when a.attgenerated <> ''
                          then (select pg_catalog.format(' generated always as (%s) %s', pg_catalog.pg_get_expr(e.adbin, e.adrelid),
                                         case a.attgenerated when 'v' then 'virtual' else 'stored' end)
                                from pg_catalog.pg_attrdef e where e.adrelid = a.attrelid and e.adnum = a.attnum) else '' end,
                     case when k.convalidated then pg_catalog.format(' constraint %I not null%s', k.conname,
                                                                     case when k.connoinherit then ' no inherit' else '' end)
                          when k.oid is null and a.attnotnull then ' not null' else '' end), ', ' order by a.attnum)
          from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid
          left join pg_catalog.pg_constraint k on k.conrelid = a.attrelid and k.contype = 'n' and k.conkey = array[a.attnum]
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
         case when c.relkind = 'p' then ' partition by ' || pg_catalog.pg_get_partkeydef(c.oid) else '' end,
         (select pg_catalog.format(' with (%s)', pg_catalog.string_agg(pg_catalog.format('%I = %L',
                   pg_catalog.split_part(o, '=', 1), pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', '))
          from pg_catalog.unnest(c.reloptions) o having pg_catalog.count(*) > 0)) as ddl
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
