-- purpose: all that must be as before after a rollback: every index outside our own schema, as one text per index
-- reads:   pg_index, pg_class, pg_constraint, pg_inherits, pg_description, pg_attribute
-- locks:   none
select pg_catalog.format('%I.%I', n.nspname, i.relname) as index,
       pg_catalog.concat_ws(' | ',
         t.relname, pg_catalog.pg_get_indexdef(x.indexrelid), pg_catalog.pg_get_userbyid(i.relowner),
         (select s.spcname from pg_catalog.pg_tablespace s where s.oid = i.reltablespace), i.reloptions::pg_catalog.text,
         pg_catalog.obj_description(i.oid, 'pg_class'),
         (select pg_catalog.string_agg(a.attnum || '=' || a.attstattarget, ',' order by a.attnum)
          from pg_catalog.pg_attribute a where a.attrelid = i.oid and coalesce(a.attstattarget, -1) >= 0),
         case when x.indisvalid then 'valid' else 'INVALID' end, x.indisready, x.indislive,
         (select k.conname from pg_catalog.pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')),
         x.indisreplident, x.indisclustered,
         (select h.inhparent::pg_catalog.regclass from pg_catalog.pg_inherits h where h.inhrelid = x.indexrelid)) as state,
       x.indisvalid                                          as valid
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace n on n.oid = i.relnamespace
where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema', 'advisor')
order by 1
