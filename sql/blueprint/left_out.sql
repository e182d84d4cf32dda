-- purpose: what is not rebuilt, by kind, for the report
-- reads:   pg_proc, pg_aggregate, pg_operator, pg_opclass, pg_type, pg_class, pg_tablespace, pg_index, pg_ts_parser, pg_ts_template, pg_depend
-- locks:   none
with functions as (
  select p.oid, p.pronamespace, p.proname, p.proleakproof, l.lanname, l.lanname in ('sql', 'plpgsql') as rebuilt, p.prorettype, p.prokind
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
  where p.oid >= 16384
), objects as (
  select 'pg_catalog.pg_proc'::pg_catalog.regclass as class, f.oid, f.pronamespace as namespace, f.proname as name,
         'functions in ' || f.lanname as what
  from functions f
  where not f.rebuilt and f.prokind = 'f'
    and f.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  union all
  select 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid, f.pronamespace, f.proname, 'the word LEAKPROOF of functions'
  from functions f where f.rebuilt and f.proleakproof
  union all
  select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, p.proname, 'aggregates with a state of type internal'
  from pg_catalog.pg_aggregate a join pg_catalog.pg_proc p on p.oid = a.aggfnoid
  where a.aggtranstype = 'pg_catalog.internal'::pg_catalog.regtype
  union all
  select 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, o.oprnamespace, o.oprname, 'operators in ' || f.lanname
  from pg_catalog.pg_operator o join functions f on f.oid = o.oprcode
  where not f.rebuilt
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = f.oid and d.deptype = 'e')
  union all
  select 'pg_catalog.pg_opclass'::pg_catalog.regclass, c.oid, c.opcnamespace, c.opcname, 'operator classes'
  from pg_catalog.pg_opclass c
  union all
  select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, t.typname, 'base types'
  from pg_catalog.pg_type t where t.typtype = 'b' and t.typcategory <> 'A'
  union all
  select 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, p.oid, p.prsnamespace, p.prsname, 'text search parsers'
  from pg_catalog.pg_ts_parser p
  union all
  select 'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid, t.tmplnamespace, t.tmplname, 'text search templates'
  from pg_catalog.pg_ts_template t
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relnamespace, c.relname, 'foreign servers (each foreign table is a plain one)'
  from pg_catalog.pg_class c where c.relkind = 'f'
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relnamespace, c.relname,
         pg_catalog.format('table access method %s (each table is a heap)', m.amname)
  from pg_catalog.pg_class c join pg_catalog.pg_am m on m.oid = c.relam and m.amname <> 'heap'
  where c.relkind in ('r', 'm', 'p')
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relnamespace, c.relname,
         pg_catalog.format('the page costs of tablespace %s (the database''s are taken)', t.spcname)
  from pg_catalog.pg_class c join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
  where pg_catalog.array_to_string(t.spcoptions, ' ') like '%page\_cost%'
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relnamespace, c.relname, 'invalid indexes of partitioned tables'
  from pg_catalog.pg_class c join pg_catalog.pg_index x on x.indexrelid = c.oid and not x.indisvalid
  where c.relkind = 'I'
)
select o.what, pg_catalog.array_agg(pg_catalog.format('%s.%s', n.nspname, o.name) order by n.nspname, o.name, o.oid) as names
from objects o
join pg_catalog.pg_namespace n on n.oid = o.namespace
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  -- Internal: a range type brings its own functions.
  and not exists (select from pg_catalog.pg_depend d where d.classid = o.class and d.objid = o.oid and d.deptype in ('e', 'i'))
group by o.what
order by o.what
