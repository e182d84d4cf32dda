-- purpose: indexes, of those named, that nothing has read yet
-- reads:   pg_stat_user_indexes
-- locks:   none
select s.indexrelname::pg_catalog.text as name
from pg_catalog.pg_stat_user_indexes s
where s.indexrelname = any($1::pg_catalog.text[]) and s.idx_scan = 0
order by 1
