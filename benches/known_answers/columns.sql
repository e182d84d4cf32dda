-- purpose: the columns to fill in the tables of a case, tables in the order of their creation: parents come before their children
-- reads:   pg_class, pg_attribute, pg_constraint
-- locks:   none
select c.relname::pg_catalog.text                            as table_name,
       a.attname::pg_catalog.text                            as column_name,
       t.typname::pg_catalog.text                            as type_name,
       coalesce(p.conkey = array[a.attnum], false)           as is_key,
       (select r.relname::pg_catalog.text
        from pg_catalog.pg_constraint f join pg_catalog.pg_class r on r.oid = f.confrelid
        where f.conrelid = c.oid and f.contype = 'f' and f.conkey = array[a.attnum]
        order by f.oid limit 1)                              as parent
from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_constraint p on p.conrelid = c.oid and p.contype = 'p'
where c.relkind = 'r' and c.relnamespace = 'public'::pg_catalog.regnamespace
order by c.oid, a.attnum
