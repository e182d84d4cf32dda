-- purpose: CREATE AGGREGATE for those whose functions are the server's own or rebuilt
-- reads:   pg_aggregate, pg_proc, pg_operator, pg_depend
-- locks:   none
-- A state of type internal takes a superuser, and none runs this text.
with functions as (
  select f.oid, pg_catalog.format('%I.%I', fn.nspname, f.proname) as name
  from pg_catalog.pg_proc f join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
)
select pg_catalog.format('aggregate %s.%s(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as object,
       pg_catalog.format('create aggregate %I.%I(%s) (%s)', n.nspname, p.proname,
         case when p.pronargs = 0 then '*' else pg_catalog.pg_get_function_arguments(p.oid) end,
         pg_catalog.concat_ws(', ',
           'sfunc = ' || (select f.name from functions f where f.oid = a.aggtransfn),
           'stype = ' || pg_catalog.format_type(a.aggtranstype, null),
           case when a.aggtransspace <> 0 then pg_catalog.format('sspace = %s', a.aggtransspace) end,
           'finalfunc = ' || (select f.name from functions f where f.oid = a.aggfinalfn),
           case when a.aggfinalextra then 'finalfunc_extra' end,
           case a.aggfinalmodify when 's' then 'finalfunc_modify = shareable' when 'w' then 'finalfunc_modify = read_write'
                                 else 'finalfunc_modify = read_only' end,
           'combinefunc = ' || (select f.name from functions f where f.oid = a.aggcombinefn),
           'serialfunc = ' || (select f.name from functions f where f.oid = a.aggserialfn),
           'deserialfunc = ' || (select f.name from functions f where f.oid = a.aggdeserialfn),
           'initcond = ' || pg_catalog.quote_literal(a.agginitval),
           'msfunc = ' || (select f.name from functions f where f.oid = a.aggmtransfn),
           'minvfunc = ' || (select f.name from functions f where f.oid = a.aggminvtransfn),
           case when a.aggmtranstype <> 0 then 'mstype = ' || pg_catalog.format_type(a.aggmtranstype, null) end,
           case when a.aggmtransspace <> 0 then pg_catalog.format('msspace = %s', a.aggmtransspace) end,
           'mfinalfunc = ' || (select f.name from functions f where f.oid = a.aggmfinalfn),
           case when a.aggmfinalextra then 'mfinalfunc_extra' end,
           case when a.aggmtransfn <> 0 then
                case a.aggmfinalmodify when 's' then 'mfinalfunc_modify = shareable' when 'w' then 'mfinalfunc_modify = read_write'
                                       else 'mfinalfunc_modify = read_only' end end,
           'minitcond = ' || pg_catalog.quote_literal(a.aggminitval),
           (select pg_catalog.format('sortop = operator(%I.%s)', opn.nspname, o.oprname)
            from pg_catalog.pg_operator o join pg_catalog.pg_namespace opn on opn.oid = o.oprnamespace where o.oid = a.aggsortop),
           case when a.aggkind = 'h' then 'hypothetical' end,
           case p.proparallel when 's' then 'parallel = safe' when 'r' then 'parallel = restricted' end)) as ddl
from pg_catalog.pg_aggregate a
join pg_catalog.pg_proc p on p.oid = a.aggfnoid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where a.aggtranstype <> 'pg_catalog.internal'::pg_catalog.regtype and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e')
order by p.oid
