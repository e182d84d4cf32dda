-- purpose: one change of state, compare-and-set, with its event; no row means that somebody else moved it
-- reads:   advisor.ledger
-- locks:   ROW EXCLUSIVE on the ledger
with moved as (
  update advisor.ledger as l
  set state = $3,
      owned = coalesce($4::pg_catalog.bool, l.owned),
      index_oid = coalesce($5::pg_catalog.oid, l.index_oid),
      worker_pid = coalesce($6::pg_catalog.int4, l.worker_pid),
      worker_start = coalesce($7::pg_catalog.int8, l.worker_start),
      attempt = l.attempt + $8::pg_catalog.int4,
      error = $9::pg_catalog.text,
      updated_at = pg_catalog.now()
  where l.id = $1 and l.state = $2
  returning l.id
)
insert into advisor.ledger_event (id, from_state, to_state, detail)
select m.id, $2, $3, $9 from moved as m
order by 1
returning id
