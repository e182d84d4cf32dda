-- purpose: the keys of indexes that are expressions, with the index column of each
-- reads:   pg_index, pg_attribute
-- locks:   none
select x.indexrelid                                            as oid,
       pg_catalog.pg_get_indexdef(x.indexrelid, a.attnum, true) as expression,
       a.attname::pg_catalog.text                              as name
from pg_catalog.pg_index x
join pg_catalog.pg_attribute a on a.attrelid = x.indexrelid
where x.indexrelid = any ($1::pg_catalog.oid[])
  and a.attnum <= x.indnkeyatts
  and x.indkey[a.attnum - 1] = 0
order by x.indexrelid, a.attnum
