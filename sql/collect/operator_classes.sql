-- purpose: what indexes of the extensions' access methods and operator classes can find
-- reads:   pg_opclass, pg_am, pg_amop, pg_operator
-- locks:   none
select n.nspname::pg_catalog.text                          as schema,
       c.opcname::pg_catalog.text                          as name,
       m.amname::pg_catalog.text                           as method,
       pg_catalog.format_type(c.opcintype, null)           as type_name,
       c.opcdefault                                        as is_default,
       -- A class over another type of the same values (varchar beside text) has no operators of its own: the family's count.
       array(select distinct o.oprname::pg_catalog.text
             from pg_catalog.pg_amop a join pg_catalog.pg_operator o on o.oid = a.amopopr
             where a.amopfamily = c.opcfamily and a.amoppurpose = 's'
             order by 1)                                   as searches,
       array(select distinct o.oprname::pg_catalog.text
             from pg_catalog.pg_amop a join pg_catalog.pg_operator o on o.oid = a.amopopr
             where a.amopfamily = c.opcfamily and a.amoppurpose = 'o'
             order by 1)                                   as orders
from pg_catalog.pg_opclass c
join pg_catalog.pg_am m on m.oid = c.opcmethod
join pg_catalog.pg_namespace n on n.oid = c.opcnamespace
where n.nspname <> 'pg_catalog'
  and m.amname not in ('btree', 'hash')
order by m.amname, n.nspname, c.opcname
