-- purpose: texts in the order of the database's own collation
-- reads:   nothing
-- locks:   none
select t.value as value
from pg_catalog.unnest($1::pg_catalog.text[]) as t (value)
order by t.value collate "default", t.value collate "C"
