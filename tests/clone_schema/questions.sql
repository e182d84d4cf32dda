-- relations
select format('%s.%s %s %s %s %s %s %s', c.relnamespace::regnamespace, c.relname,
         -- A materialized view is a table in the clone.
         case c.relkind when 'm' then 'r' else c.relkind end, c.relpersistence, c.reloptions, pg_get_partkeydef(c.oid),
         pg_get_expr(c.relpartbound, c.oid), row(c.relrowsecurity, c.relforcerowsecurity))
from pg_class c
where c.relnamespace >= 16384 and c.relkind in ('r', 'm', 'p', 'v', 'S');

-- columns
select format('%s.%s %s %s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         a.attcollation::regcollation, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid))
from pg_attribute a
join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'm', 'p', 'v', 'c') and c.relnamespace >= 16384
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped;

-- parents
select format('%s %s %s', i.inhrelid::regclass, i.inhparent::regclass, i.inhseqno)
from pg_inherits i;

-- constraints
select format('%s%s %s %s', nullif(k.conrelid, 0)::regclass, nullif(k.contypid, 0)::regtype, k.conname,
         -- Foreign keys are never validated in the clone.
         case when k.contype = 'f' then replace(pg_get_constraintdef(k.oid), ' NOT VALID', '') else pg_get_constraintdef(k.oid) end)
from pg_constraint k
where k.connamespace >= 16384 and not (k.contype = 'f' and k.conparentid <> 0) and k.contype <> 't';

-- indexes
select format('%s %s %s %s', pg_get_indexdef(x.indexrelid), row(x.indisvalid, x.indisprimary, x.indisunique, x.indimmediate), c.reloptions,
         pg_get_expr(x.indpred, x.indrelid))
from pg_index x join pg_class c on c.oid = x.indexrelid and c.relnamespace >= 16384;

-- order of indexes
select format('%s %s', x.indrelid::regclass, string_agg(x.indexrelid::regclass::text, ', ' order by x.indexrelid))
from pg_index x join pg_class c on c.oid = x.indexrelid and c.relnamespace >= 16384
group by x.indrelid;

-- order of tables
select string_agg(c.oid::regclass::text, ', ' order by c.oid)
from pg_class c where c.relkind in ('r', 'p') and c.relnamespace >= 16384 and c.relispartition;

-- views
select format('%s %s', c.oid::regclass, pg_get_viewdef(c.oid))
from pg_class c where c.relkind = 'v' and c.relnamespace >= 16384;

-- rules
select pg_get_ruledef(r.oid)
from pg_rewrite r join pg_class c on c.oid = r.ev_class and c.relnamespace >= 16384
where r.rulename <> '_RETURN';

-- functions
select replace(pg_get_functiondef(p.oid), ' LEAKPROOF', '')
from pg_proc p
where p.pronamespace >= 16384 and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
  and p.prolang in (select oid from pg_language where lanname in ('sql', 'plpgsql'));

-- aggregates
select format('%s %s', a.aggfnoid::regprocedure, row(a.aggtransfn, a.aggfinalfn, a.aggtranstype::regtype, a.agginitval, a.aggkind, p.proparallel))
from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid and p.pronamespace >= 16384;

-- operators
select format('%s %s %s', o.oid::regoperator, o.oprcom::regoperator, row(o.oprcode, o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge))
from pg_operator o where o.oprnamespace >= 16384;

-- casts
select format('%s %s %s %s', c.castsource::regtype, c.casttarget::regtype, c.castfunc::regprocedure, c.castcontext)
from pg_cast c where c.oid >= 16384;

-- text search
select format('%s %s %s %s', m.mapcfg::regconfig, m.maptokentype, m.mapseqno, m.mapdict::regdictionary)
from pg_ts_config_map m where m.mapcfg >= 16384;

-- dictionaries
select format('%s %s', d.oid::regdictionary, d.dictinitoption)
from pg_ts_dict d where d.oid >= 16384;

-- types
select format('%s %s %s %s %s %s', t.oid::regtype, t.typtype, t.typnotnull, t.typcollation::regcollation, t.typdefault,
         format_type(t.typbasetype, t.typtypmod))
from pg_type t where t.typnamespace >= 16384 and t.typtype in ('e', 'd', 'r', 'm', 'c');

-- labels
select format('%s %s', e.enumtypid::regtype, string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder))
from pg_enum e group by e.enumtypid;

-- ranges
select format('%s %s %s %s', r.rngtypid::regtype, r.rngsubtype::regtype, r.rngsubdiff, to_jsonb(r) ->> 'rngsubopc')
from pg_range r where r.rngtypid >= 16384;

-- sequences
select format('%s %s', s.seqrelid::regclass,
         -- Of identity columns only the name.
         case when not exists (select from pg_depend d where d.objid = s.seqrelid and d.deptype = 'i') then to_jsonb(s) - 'seqrelid' end)
from pg_sequence s;

-- statistics
select pg_get_statisticsobjdef(s.oid)
from pg_statistic_ext s;

-- policies
select format('%s %s', p.tablename, to_jsonb(p)::text)
from pg_policies p;

-- collations
select (to_jsonb(c) - 'oid' - 'collowner' - 'collnamespace' - 'collversion' - 'collencoding')::text
from pg_collation c where c.collnamespace >= 16384
