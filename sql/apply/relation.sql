-- purpose: whatever has this name, or this OID where one is given, now; for an index its definition, state, and what needs it. The caller sets search_path to pg_catalog, so that definitions print qualified
-- reads:   pg_class, pg_namespace, pg_index, pg_constraint, pg_tablespace, pg_attribute, pg_inherits, pg_description
-- locks:   none
select c.oid                                                  as oid,
       n.nspname::pg_catalog.text                             as schema,
       c.relname::pg_catalog.text                             as name,
       c.relkind::pg_catalog.text                             as kind,
       i.indrelid                                             as table_oid,
       tn.nspname::pg_catalog.text                            as table_schema,
       t.relname::pg_catalog.text                             as table_name,
       case when i.indexrelid is not null then pg_catalog.pg_get_indexdef(c.oid) end as definition,
       i.indisvalid                                           as valid,
       i.indisready                                           as ready,
       i.indislive                                            as live,
       s.spcname::pg_catalog.text                             as tablespace,
       c.relkind = 'I'                                        as partitioned,
       pg_catalog.obj_description(c.oid, 'pg_class')          as comment,
       array(select a.attnum from pg_catalog.pg_attribute as a
             where a.attrelid = c.oid and a.attstattarget >= 0 order by a.attnum)                        as statistics_columns,
       array(select a.attstattarget::pg_catalog.int4 from pg_catalog.pg_attribute as a
             where a.attrelid = c.oid and a.attstattarget >= 0 order by a.attnum)                        as statistics_targets,
       case
         when i.indisprimary then 'it is the primary key'
         when exists (select from pg_catalog.pg_constraint as k where k.conindid = c.oid and k.contype in ('u', 'x'))
           then 'a constraint needs it'
         when exists (select from pg_catalog.pg_constraint as k where k.conindid = c.oid) then 'a foreign key needs it'
         when i.indisreplident then 'it is the replica identity'
         when i.indisclustered then 'the table is clustered on it'
         when c.relispartition then 'it is a partition of another index'
       end                                                    as needed
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_index as i on i.indexrelid = c.oid
left join pg_catalog.pg_class as t on t.oid = i.indrelid
left join pg_catalog.pg_namespace as tn on tn.oid = t.relnamespace
left join pg_catalog.pg_tablespace as s on s.oid = c.reltablespace
where c.oid = coalesce($3::pg_catalog.oid, (
  select named.oid from pg_catalog.pg_class as named join pg_catalog.pg_namespace as m on m.oid = named.relnamespace
  where m.nspname = $1::pg_catalog.text and named.relname = $2::pg_catalog.text))
order by 1
