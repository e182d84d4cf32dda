-- purpose: the indexes that pg_qualstats advises for what it has sampled; a text or an object by version
-- reads:   pg_qualstats
-- locks:   none
select coalesce(v.value ->> 'ddl', v.value #>> '{}') as ddl
from pg_catalog.json_array_elements(pg_qualstats_index_advisor() -> 'indexes') v
order by 1
