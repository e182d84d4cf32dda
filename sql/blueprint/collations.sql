-- purpose: CREATE COLLATION for collations that users made
-- reads:   pg_collation, pg_depend
-- locks:   none
-- As JSON: the columns of locales came with 15 and 16 and changed their names with 17.
select pg_catalog.format('collation %s.%s', n.nspname, c.collname) as object,
       pg_catalog.format('create collation %I.%I (%s)', n.nspname, c.collname, pg_catalog.concat_ws(', ',
         case c.collprovider when 'i' then 'provider = icu' when 'b' then 'provider = builtin' else 'provider = libc' end,
         case when c.collprovider = 'c'
              then pg_catalog.format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype)
              else pg_catalog.format('locale = %L',
                     coalesce(j.fields ->> 'colllocale', j.fields ->> 'colliculocale', c.collcollate)) end,
         'rules = ' || pg_catalog.quote_literal(j.fields ->> 'collicurules'),
         case when not c.collisdeterministic then 'deterministic = false' end)) as ddl
from pg_catalog.pg_collation c
join pg_catalog.pg_namespace n on n.oid = c.collnamespace
cross join lateral (select pg_catalog.to_jsonb(c) as fields) j
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  -- Of several with one name, one per encoding, the database sees its own.
  and c.collencoding in (-1, (select d.encoding from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid
