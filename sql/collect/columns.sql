-- purpose: columns with their types
-- reads:   pg_attribute, pg_type, pg_collation, pg_database
-- locks:   none
select a.attrelid                                          as table_oid,
       a.attnum                                            as number,
       a.attname::pg_catalog.text                          as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod)     as type_name,
       -- A domain carries its base type's category.
       t.typcategory::pg_catalog.text                      as category,
       a.attnotnull                                        as not_null,
       -- Byte order: C and POSIX, and the builtin provider (version 17 on). A provider is told by a column that
       -- older versions lack: there it is libc.
       coalesce(case when l.oid is null then false
                     when l.collprovider = 'd' then coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'b'
                          or (coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' and d.datcollate in ('C', 'POSIX'))
                     else l.collprovider = 'b' or (l.collprovider = 'c' and l.collcollate in ('C', 'POSIX')) end, false)
                                                           as sorts_by_bytes,
       a.attlen                                            as length,
       a.attalign::pg_catalog.text                         as alignment,
       coalesce(l.collisdeterministic, true)               as deterministic
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_collation l on l.oid = a.attcollation
where a.attnum > 0
  and not a.attisdropped
  -- Virtual columns (version 18 on) are stored nowhere and no index can have them.
  and a.attgenerated <> 'v'
  and c.relkind in ('r', 'p', 'm', 'f', 'v')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by a.attrelid, a.attnum
