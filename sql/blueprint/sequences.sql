-- purpose: CREATE SEQUENCE for all but those of identity columns
-- reads:   pg_sequence, pg_class, pg_depend
-- locks:   none
select pg_catalog.format('sequence %s.%s', n.nspname, c.relname) as object,
       pg_catalog.format('create sequence %I.%I as %s increment by %s minvalue %s maxvalue %s start with %s cache %s%s',
         n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
         case when s.seqcycle then ' cycle' else '' end)          as ddl
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('e', 'i'))
order by c.oid
