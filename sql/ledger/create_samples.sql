-- purpose: what was counted just before a change and right after it; sent under the ledger's advisory lock
-- reads:   nothing
-- locks:   none on user objects
create table if not exists advisor.ledger_sample (
  id       pg_catalog.text not null,
  moment   pg_catalog.text not null check (moment in ('before', 'after')),
  taken_at pg_catalog.timestamptz not null default pg_catalog.now(),
  sample   pg_catalog.jsonb not null,
  primary key (id, moment)
)
