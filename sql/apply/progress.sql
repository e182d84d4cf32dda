-- purpose: how far a build is
-- reads:   pg_stat_progress_create_index
-- locks:   none
select p.phase                 as phase,
       nullif(p.index_relid, 0)  as index_oid,
       p.lockers_total         as lockers_total,
       p.lockers_done          as lockers_done,
       p.blocks_total          as blocks_total,
       p.blocks_done           as blocks_done,
       p.tuples_total          as tuples_total,
       p.tuples_done           as tuples_done
from pg_catalog.pg_stat_progress_create_index as p
where p.pid = $1::pg_catalog.int4
order by 1
