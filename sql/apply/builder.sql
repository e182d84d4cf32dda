-- purpose: the backend that builds an index now
-- reads:   pg_stat_progress_create_index
-- locks:   none
select p.pid as pid
from pg_catalog.pg_stat_progress_create_index as p
where p.index_relid = $1::pg_catalog.oid
order by 1
