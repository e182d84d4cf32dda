-- purpose: of these indexes those that are one which exists once more, in the server's own words, with its name
-- reads:   pg_index, pg_class
-- locks:   none
select x.indexrelid                as oid,
       ec.relname::pg_catalog.text as name
from pg_catalog.pg_index x
join pg_catalog.pg_class xc on xc.oid = x.indexrelid
join pg_catalog.pg_index e on e.indrelid = x.indrelid and e.indexrelid <> all ($1::pg_catalog.oid[]) and e.indisvalid
join pg_catalog.pg_class ec on ec.oid = e.indexrelid
where x.indexrelid = any ($1::pg_catalog.oid[])
  and ec.relam = xc.relam
  -- One that guards its keys does what one that does not can, not the other way round.
  and (e.indisunique or not x.indisunique)
  and e.indnkeyatts = x.indnkeyatts
  and e.indkey::pg_catalog.text = x.indkey::pg_catalog.text
  and e.indclass::pg_catalog.text = x.indclass::pg_catalog.text
  and e.indcollation::pg_catalog.text = x.indcollation::pg_catalog.text
  and e.indoption::pg_catalog.text = x.indoption::pg_catalog.text
  and pg_catalog.pg_get_expr(e.indexprs, e.indrelid) is not distinct from pg_catalog.pg_get_expr(x.indexprs, x.indrelid)
  and pg_catalog.pg_get_expr(e.indpred, e.indrelid) is not distinct from pg_catalog.pg_get_expr(x.indpred, x.indrelid)
order by x.indexrelid, ec.relname
