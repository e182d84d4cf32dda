-- purpose: the keys of every index in order, INCLUDE columns last
-- reads:   pg_index, pg_attribute, pg_opclass, pg_collation
-- locks:   none
select i.indexrelid                                        as index_oid,
       p.place::pg_catalog.int2                            as place,
       p.place > i.indnkeyatts                             as included,
       a.attname::pg_catalog.text                          as column_name,
       case when i.indkey[p.place - 1] = 0
            then pg_catalog.pg_get_indexdef(i.indexrelid, p.place, true) end as expression,
       case when not oc.opcdefault or ia.attoptions is not null
            then case when ocn.nspname = 'pg_catalog' then '' else pg_catalog.quote_ident(ocn.nspname) || '.' end
                 || pg_catalog.quote_ident(oc.opcname)
                 || coalesce('(' || pg_catalog.array_to_string(ia.attoptions, ', ') || ')', '') end as opclass,
       -- An expression's own collation is not in the catalog: its type's stands for it.
       case when co.oid <> coalesce(a.attcollation, it.typcollation)
            then case when con.nspname = 'pg_catalog' then '' else pg_catalog.quote_ident(con.nspname) || '.' end
                 || pg_catalog.quote_ident(co.collname) end as collation,
       coalesce(i.indoption[p.place - 1] & 1, 0) <> 0      as descending,
       coalesce(i.indoption[p.place - 1] & 2, 0) <> 0      as nulls_first,
       -- -1 until version 16, NULL since, where none is set.
       nullif(ia.attstattarget::pg_catalog.int4, -1)       as statistics_target
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
cross join lateral pg_catalog.generate_series(1, i.indnatts::pg_catalog.int4) as p (place)
join pg_catalog.pg_attribute ia on ia.attrelid = i.indexrelid and ia.attnum = p.place
join pg_catalog.pg_type it on it.oid = ia.atttypid
left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[p.place - 1] and a.attnum <> 0
left join pg_catalog.pg_opclass oc on p.place <= i.indnkeyatts and oc.oid = i.indclass[p.place - 1]
left join pg_catalog.pg_namespace ocn on ocn.oid = oc.opcnamespace
left join pg_catalog.pg_collation co on p.place <= i.indnkeyatts and co.oid = i.indcollation[p.place - 1]
left join pg_catalog.pg_namespace con on con.oid = co.collnamespace
where t.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by i.indexrelid, p.place
