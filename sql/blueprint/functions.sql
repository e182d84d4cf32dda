-- purpose: functions in SQL and PL/pgSQL (others could run code outside the database and are left out)
-- reads:   pg_proc, pg_language, pg_depend
-- locks:   none
-- Only a superuser may mark a function LEAKPROOF, and none runs this text: the word is taken out.
select pg_catalog.format('function %s.%s(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as object,
       case when p.proleakproof
            then pg_catalog.regexp_replace(pg_catalog.pg_get_functiondef(p.oid), ' LEAKPROOF', '')
            else pg_catalog.pg_get_functiondef(p.oid) end          as ddl
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and p.prokind = 'f' and l.lanname in ('sql', 'plpgsql')
  and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
order by p.oid
