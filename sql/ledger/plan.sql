-- purpose: record the intent before anything is done; a finished or failed row of the same id is planned anew
-- reads:   advisor.ledger
-- locks:   ROW EXCLUSIVE on the ledger
with planned as (
  insert into advisor.ledger as l (id, run, position, motion, schema_name, index_name, table_name, table_oid, shape, definition,
                                   up_sql, down_sql, state, tool_version, part_of, rename_to, targets, source, system, index_oid)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'planned', $13, $16, $17, $18, $19, $20, $21)
  on conflict (id) do update
    set run = excluded.run, position = excluded.position, table_oid = excluded.table_oid, shape = excluded.shape,
        definition = excluded.definition, up_sql = excluded.up_sql, down_sql = excluded.down_sql, state = 'planned',
        owned = false, attempt = 0, index_oid = excluded.index_oid, worker_pid = null, worker_start = null, error = null,
        tool_version = excluded.tool_version, part_of = excluded.part_of, rename_to = excluded.rename_to,
        targets = excluded.targets, source = excluded.source, system = excluded.system, updated_at = pg_catalog.now()
    where l.state operator(pg_catalog.=) any ($14::pg_catalog.text[])
      and l.motion = excluded.motion and l.schema_name = excluded.schema_name and l.index_name = excluded.index_name
      and l.table_name = excluded.table_name
  returning l.id
)
insert into advisor.ledger_event (id, to_state, detail)
select p.id, 'planned', $15::pg_catalog.text from planned as p
order by 1
returning id
