-- purpose: every change of state, never updated; sent under the ledger's advisory lock
-- reads:   nothing
-- locks:   none on user objects
create table if not exists advisor.ledger_event (
  number     pg_catalog.int8 generated always as identity primary key,
  id         pg_catalog.text not null,
  at         pg_catalog.timestamptz not null default pg_catalog.now(),
  from_state pg_catalog.text,
  to_state   pg_catalog.text not null,
  detail     pg_catalog.text
)
