-- purpose: the ledger, oldest run first; one entry when an id is given
-- reads:   advisor.ledger
-- locks:   ACCESS SHARE on it
select id, run, position, motion, schema_name, index_name, table_name, table_oid, index_oid, shape, definition, up_sql, down_sql,
       state, owned, attempt, worker_pid, worker_start, error,
       part_of, rename_to, targets, source, system,
       pg_catalog.to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as updated_at
from advisor.ledger
where $1::pg_catalog.text is null or id = $1
order by run, position, id
