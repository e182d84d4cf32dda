-- purpose: B-trees of tables that we may read whole, with what an ORDER BY of their keys looks like and who shares a leading column
-- reads:   pg_index, pg_class, pg_attribute, pg_opclass, pg_amop, pg_operator, pg_collation, pg_depend, file sizes
-- locks:   AccessShare on each index, for an instant
select n.nspname::pg_catalog.text                                as schema,
       c.relname::pg_catalog.text                                as name,
       tn.nspname::pg_catalog.text                               as table_schema,
       t.relname::pg_catalog.text                                as table_name,
       pg_catalog.pg_relation_size(c.oid) / 8192                 as blocks,
       pg_catalog.pg_get_expr(x.indpred, x.indrelid)             as predicate,
       k.order_by                                                as order_by,
       -- The planner looks for ends only in an index in the type's own order, of the column's own collation. An
       -- expression is computed when it is asked for: only by functions of the server itself, which depend on nothing.
       case when x.indpred is null and fo.opcdefault
                 and case when x.indkey[0] = 0 then not exists (
                            select from pg_catalog.pg_depend d
                            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = x.indexrelid
                              and d.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                                                   'pg_catalog.pg_type'::pg_catalog.regclass))
                          else x.indcollation[0] = fa.attcollation end
            then pg_catalog.pg_get_indexdef(x.indexrelid, 1, false) end   as leading
from pg_catalog.pg_index x
join pg_catalog.pg_class c on c.oid = x.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
join pg_catalog.pg_opclass fo on fo.oid = x.indclass[0]
left join pg_catalog.pg_attribute fa on fa.attrelid = x.indrelid and fa.attnum = x.indkey[0] and fa.attnum > 0
cross join lateral (
  select pg_catalog.string_agg(
           pg_catalog.format('(%s)%s using operator(%I.%s) nulls %s',
             pg_catalog.pg_get_indexdef(x.indexrelid, p + 1, false),
             case when x.indcollation[p] <> 0 and x.indcollation[p] is distinct from a.attcollation
                  then pg_catalog.format(' collate %I.%I', cn.nspname, co.collname) else '' end,
             opn.nspname, op.oprname,
             case when x.indoption[p] & 2 = 2 then 'first' else 'last' end), ', ' order by p) as order_by
  from pg_catalog.generate_series(0, x.indnkeyatts - 1) p
  join pg_catalog.pg_opclass o on o.oid = x.indclass[p]
  join pg_catalog.pg_amop m on m.amopfamily = o.opcfamily and m.amoplefttype = o.opcintype and m.amoprighttype = o.opcintype
       and m.amopstrategy = case when x.indoption[p] & 1 = 1 then 5 else 1 end
  join pg_catalog.pg_operator op on op.oid = m.amopopr
  join pg_catalog.pg_namespace opn on opn.oid = op.oprnamespace
  left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[p] and a.attnum > 0
  left join pg_catalog.pg_collation co on co.oid = x.indcollation[p]
  left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace) k
where c.relkind = 'i' and c.relam = 403 and x.indisvalid and x.indislive and c.relpersistence <> 't'
  and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and pg_catalog.has_schema_privilege(tn.oid, 'usage') and pg_catalog.has_table_privilege(t.oid, 'select')
  and not pg_catalog.row_security_active(t.oid)
order by n.nspname, c.relname
