-- purpose: write one column's statistics into the clone; operators are those of the type's default B-tree class
-- reads:   pg_attribute, pg_type, pg_opclass, pg_amop
-- locks:   RowExclusive on pg_statistic (our own server only)
with col as (
  select c.oid as rel, a.attnum, a.attcollation, a.atttypid,
         case when t.typtype = 'd' then t.typbasetype else t.oid end as base,
         case when t.typelem <> 0 and t.typlen = -1 then t.typelem
              when t.typname = 'tsvector' then 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid else 0 end as element
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text and a.attname = $3::pg_catalog.text
), typed as (
  select col.*,
         array(
           select o.amopopr
           from pg_catalog.pg_opclass k
           join pg_catalog.pg_amop o on o.amopfamily = k.opcfamily and o.amoplefttype = k.opcintype and o.amoprighttype = k.opcintype
           join pg_catalog.pg_type b on b.oid = col.base
           where k.opcmethod = 403 and k.opcdefault and o.amopstrategy in (1, 3)
             and k.opcintype = case when b.typtype = 'e' then 'pg_catalog.anyenum'::pg_catalog.regtype::pg_catalog.oid
                                    when b.typtype = 'r' then 'pg_catalog.anyrange'::pg_catalog.regtype::pg_catalog.oid
                                    when b.typelem <> 0 and b.typlen = -1 then 'pg_catalog.anyarray'::pg_catalog.regtype::pg_catalog.oid
                                    when b.typname = 'varchar' then 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
                                    else b.oid end
           order by o.amopstrategy) as ops
  from col
)
insert into pg_catalog.pg_statistic
  (starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
   stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5,
   stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
   stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5,
   stavalues1, stavalues2, stavalues3, stavalues4, stavalues5)
select rel, attnum, $4::pg_catalog.bool, $5::pg_catalog.float4, $6::pg_catalog.int4, $7::pg_catalog.float4,
       case when $8::pg_catalog.text[] is null then 0 else 1 end,
       case when $10::pg_catalog.text[] is null then 0 else 2 end,
       case when $11::pg_catalog.float4 is null then 0 else 3 end,
       case when $12::pg_catalog.text[] is null then 0 else 4 end,
       case when $14::pg_catalog.float4[] is null then 0 else 5 end,
       coalesce(ops[2], 0), coalesce(ops[1], 0), coalesce(ops[1], 0), 0, 0,
       attcollation, attcollation, attcollation, attcollation, attcollation,
       $9::pg_catalog.float4[], null,
       case when $11::pg_catalog.float4 is null then null else array[$11::pg_catalog.float4] end,
       $13::pg_catalog.float4[], $14::pg_catalog.float4[],
       case when $8::pg_catalog.text[] is null then null else pg_catalog.array_in(pg_catalog.textout($8::pg_catalog.text[]::pg_catalog.text), atttypid, -1) end,
       case when $10::pg_catalog.text[] is null then null else pg_catalog.array_in(pg_catalog.textout($10::pg_catalog.text[]::pg_catalog.text), atttypid, -1) end,
       null,
       case when $12::pg_catalog.text[] is null or element = 0 then null else pg_catalog.array_in(pg_catalog.textout($12::pg_catalog.text[]::pg_catalog.text), element, -1) end,
       null
from typed
