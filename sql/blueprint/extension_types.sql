-- purpose: types that extensions brought: stand-ins are made where an extension is missing
-- reads:   pg_type, pg_class, pg_depend, pg_extension
-- locks:   none
select e.extname::pg_catalog.text as extension,
       n.nspname::pg_catalog.text as schema,
       t.typname::pg_catalog.text as name
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e'
join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.oid = d.refobjid
left join pg_catalog.pg_class c on c.oid = t.typrelid
-- An array type comes with its element's.
where t.typcategory <> 'A' and (t.typtype in ('b', 'd', 'e', 'r', 'm') or c.relkind = 'c')
order by 1, 2, 3
