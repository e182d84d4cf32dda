-- purpose: CREATE TEXT SEARCH DICTIONARY and CONFIGURATION, and a configuration's mappings
-- reads:   pg_ts_dict, pg_ts_config, pg_ts_config_map, pg_ts_template, pg_ts_parser, pg_depend
-- locks:   none
with dictionaries as (
  select d.oid, d.dictname as name, n.nspname as schema, d.dicttemplate, d.dictinitoption,
         pg_catalog.format('%I.%I', n.nspname, d.dictname) as written
  from pg_catalog.pg_ts_dict d join pg_catalog.pg_namespace n on n.oid = d.dictnamespace
), configurations as (
  select c.oid, c.cfgname as name, n.nspname as schema, c.cfgparser, pg_catalog.format('%I.%I', n.nspname, c.cfgname) as written
  from pg_catalog.pg_ts_config c join pg_catalog.pg_namespace n on n.oid = c.cfgnamespace
  where not exists (select from pg_catalog.pg_depend e
                    where e.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass and e.objid = c.oid and e.deptype = 'e')
), statements as (
  select 1 as step, d.oid, 0 as token, d.schema, pg_catalog.format('text search dictionary %s.%s', d.schema, d.name) as object,
         pg_catalog.format('create text search dictionary %s (template = %I.%I%s)', d.written, tn.nspname, t.tmplname,
                           ', ' || d.dictinitoption) as ddl
  from dictionaries d
  join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate
  join pg_catalog.pg_namespace tn on tn.oid = t.tmplnamespace
  where not exists (select from pg_catalog.pg_depend e
                    where e.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass and e.objid = d.oid and e.deptype = 'e')
  union all
  select 2, c.oid, 0, c.schema, pg_catalog.format('text search configuration %s.%s', c.schema, c.name),
         pg_catalog.format('create text search configuration %s (parser = %I.%I)', c.written, pn.nspname, p.prsname)
  from configurations c
  join pg_catalog.pg_ts_parser p on p.oid = c.cfgparser
  join pg_catalog.pg_namespace pn on pn.oid = p.prsnamespace
  union all
  select 3, c.oid, m.maptokentype, c.schema,
         pg_catalog.format('mapping of %s in text search configuration %s.%s', t.alias, c.schema, c.name),
         pg_catalog.format('alter text search configuration %s add mapping for %I with %s', c.written, t.alias, m.dictionaries)
  from configurations c
  join (select x.mapcfg, x.maptokentype, pg_catalog.string_agg(d.written, ', ' order by x.mapseqno) as dictionaries
        from pg_catalog.pg_ts_config_map x join dictionaries d on d.oid = x.mapdict group by x.mapcfg, x.maptokentype) m on m.mapcfg = c.oid
  cross join lateral pg_catalog.ts_token_type(c.cfgparser) t
  where t.tokid = m.maptokentype
)
select s.object, s.ddl
from statements s
where s.schema not like 'pg\_%' and s.schema <> 'information_schema'
order by s.step, s.oid, s.token
