-- purpose: one row per index change that apply began; sent under the ledger's advisory lock
-- reads:   nothing
-- locks:   none on user objects
create table if not exists advisor.ledger (
  id           pg_catalog.text primary key,
  run          pg_catalog.text not null,
  position     pg_catalog.int4 not null,
  motion       pg_catalog.text not null check (motion in ('create', 'drop', 'create_parent', 'rename')),
  schema_name  pg_catalog.text not null,
  index_name   pg_catalog.text not null,
  table_name   pg_catalog.text not null,
  table_oid    pg_catalog.oid not null,
  index_oid    pg_catalog.oid,
  shape        pg_catalog.text,
  definition   pg_catalog.jsonb not null,
  up_sql       pg_catalog.text not null,
  down_sql     pg_catalog.text[] not null,
  state        pg_catalog.text not null,
  owned        pg_catalog.bool not null default false,
  attempt      pg_catalog.int4 not null default 0,
  worker_pid   pg_catalog.int4,
  worker_start pg_catalog.int8,
  error        pg_catalog.text,
  part_of      pg_catalog.text,
  rename_to    pg_catalog.text,
  targets      pg_catalog.jsonb not null default '[]',
  source       pg_catalog.jsonb,
  system       pg_catalog.int8,
  tool_version pg_catalog.text not null,
  role         pg_catalog.text not null default session_user,
  created_at   pg_catalog.timestamptz not null default pg_catalog.now(),
  updated_at   pg_catalog.timestamptz not null default pg_catalog.now()
)
