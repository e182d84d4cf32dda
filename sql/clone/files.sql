-- purpose: where the named relations lie, and what the first pages of an index need
-- reads:   pg_class, pg_am, pg_index, pg_attribute, pg_opclass, pg_statistic
-- locks:   AccessShare on each relation, for an instant
select w.place                                                                    as place,
       c.oid                                                                      as oid,
       case when c.relkind in ('r', 'm', 'i') then pg_catalog.pg_relation_filepath(c.oid) end   as path,
       m.amname::pg_catalog.text                                                  as method,
       x.indrelid                                                                 as table_oid,
       case when x.indrelid is not null and c.relkind = 'i' then pg_catalog.pg_relation_filepath(x.indrelid) end   as table_path,
       case when c.relam = 403 and x.indpred is null and o.opcdefault and (a.attnum is null or a.attcollation = x.indcollation[0])
            then pg_catalog.pg_get_indexdef(c.oid, 1, false) end                  as leading,
       x.indoption[0] & 1 = 1                                                     as descending,
       x.indnatts                                                                 as columns,
       keys.widths                                                                as key_widths,
       keys.distinct_values                                                       as key_distinct
from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) with ordinality as w (schema, name, place)
join pg_catalog.pg_namespace n on n.nspname = w.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
left join pg_catalog.pg_am m on m.oid = c.relam
left join pg_catalog.pg_index x on x.indexrelid = c.oid
left join pg_catalog.pg_opclass o on o.oid = x.indclass[0]
left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0] and a.attnum > 0
left join lateral (
  select pg_catalog.array_agg(coalesce(s.stawidth * (1 - s.stanullfrac), 16)::pg_catalog.float8 order by k.n)   as widths,
         -- As in pg_stats: below 0 a share of the rows. A key of which nothing is known is taken for unique.
         pg_catalog.array_agg(coalesce(nullif(s.stadistinct, 0), -1)::pg_catalog.float8 order by k.n)    as distinct_values
  from pg_catalog.generate_series(0, x.indnkeyatts - 1) as k (n)
  -- There is one at most. The limit makes the planner look it up for each key instead of walking through all statistics for each index.
  left join lateral (
    select t.stawidth, t.stanullfrac, t.stadistinct
    from pg_catalog.pg_statistic t
    where not t.stainherit
      and t.starelid = case when x.indkey[k.n] > 0 then x.indrelid else c.oid end
      and t.staattnum = case when x.indkey[k.n] > 0 then x.indkey[k.n] else k.n + 1 end
    limit 1) s on true) keys on c.relam = 403
order by w.place
