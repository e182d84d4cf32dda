create schema "Übung ""A""";
create schema app;
create collation app.by_number from "C";
create function app.plain(text) returns text language sql immutable parallel safe strict as $$ select lower($1) $$;
create function app.is_even(n int) returns bool language sql immutable as 'select n % 2 = 0';
create function app.sealed(n int) returns bool language plpgsql immutable leakproof cost 7 as $$ begin return n > 0; end $$;
create function app.series(n int default 3, out a int, out b text) returns setof record language plpgsql stable rows 12
  set work_mem = '3MB' as $$ begin return next; end $$;
create function app.changed() returns trigger language plpgsql as $$ begin return new; end $$;

create type app."Status" as enum ('new', 'it''s paid', 'back\slash');
create type app.place as (street text collate "C", "House No" int);
create type app.span as range (subtype = float8, subtype_diff = float8mi);
create domain app.code as varchar(12) collate "C" not null default 'x''y' constraint "Long enough" check (length(value) > 1);
create domain app.evens as int check (app.is_even(value));
create sequence app.tickets as int increment by 5 start with 100 maxvalue 100000 cache 20 cycle;

create aggregate app.longest(text) (sfunc = textcat, stype = text, initcond = '', parallel = safe);
create aggregate app.share(double precision order by double precision)
  (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra);
create function app.near(int, int) returns bool language sql immutable as 'select abs($1 - $2) < 3';
create operator app.~~~ (leftarg = int, rightarg = int, function = app.near, commutator = operator(app.~~~), restrict = eqsel, join = eqjoinsel);
create function app.number_of(app.place) returns int language sql immutable as 'select ($1)."House No"';
create cast (app.place as int) with function app.number_of(app.place) as assignment;
create text search dictionary app.short (template = simple, accept = false);
create text search configuration app.english (copy = pg_catalog.english);
alter text search configuration app.english alter mapping for asciiword with app.short, english_stem;

create table "Übung ""A"""."Kunden" (
  id bigint generated always as identity (start with 7 increment by 3) primary key,
  gone_first text,
  "E-Mail" text collate "C" not null,
  status app."Status" not null default 'new'::app."Status",
  code app.code,
  address app.place,
  tags text[] default '{}',
  body jsonb,
  doc tsvector generated always as (to_tsvector('pg_catalog.simple', "E-Mail")) stored,
  made timestamptz(3) default now(),
  amount numeric(12, 2) not null constraint "Amount ≥ 0" check (amount >= 0),
  gone_last int,
  ticket int default nextval('app.tickets'),
  period tstzrange,
  constraint "Unique (mail)" unique ("E-Mail") include (status) with (fillfactor = 70) deferrable initially deferred,
  exclude using gist (period with &&) where (amount > 10)
) with (fillfactor = 80, parallel_workers = 3, autovacuum_vacuum_scale_factor = 0.01);
alter table "Übung ""A"""."Kunden" drop column gone_first, drop column gone_last;
alter table "Übung ""A"""."Kunden" add constraint later check (amount < 1000000) not valid;
create index on "Übung ""A"""."Kunden" (app.plain("E-Mail"), (amount * 2) desc nulls last) include (status);
create index "kunden partial" on "Übung ""A"""."Kunden" (made) where status = 'it''s paid'::app."Status" and code <> 'z';
create index on "Übung ""A"""."Kunden" using gin (body jsonb_path_ops) with (fastupdate = off);
create index on "Übung ""A"""."Kunden" using gin (tags);
create index on "Übung ""A"""."Kunden" using brin (made) with (pages_per_range = 16);
create index on "Übung ""A"""."Kunden" using hash ("E-Mail");
create index on "Übung ""A"""."Kunden" using gist (doc);
create index on "Übung ""A"""."Kunden" using spgist ("E-Mail");
create unique index on "Übung ""A"""."Kunden" ("E-Mail" text_pattern_ops, (("E-Mail" collate "C")));
create statistics app.many (ndistinct, mcv) on status, amount from "Übung ""A"""."Kunden";
create unlogged table app.cache (k text primary key, v bytea);
create table app.nothing ();
create table app.containers (codes app.code[], spans app.span[], place app.place);
create table app."of type" of app.place;
create trigger t before insert on app.cache for each row execute function app.changed();

create table app.base (id int primary key, kind int not null, note text, check (kind > 0), constraint own check (id > 0) no inherit);
create table app.child (extra text, check (kind < 9)) inherits (app.base);
create table app.adopted (kind int not null, more int, note text, id int not null, check (kind > 0), constraint base_kind_check check (kind > 0));
alter table app.adopted inherit app.base;
alter table app.base add constraint unsure check (note <> '') not valid;
alter table app.child validate constraint unsure;
create index on app.child (kind);

create table app.orders (
  id bigint not null, at timestamptz not null, region text not null, customer bigint references "Übung ""A"""."Kunden",
  total numeric, check (total >= 0), primary key (id, at, region)
) partition by range (at);
create table app.orders_2024 partition of app.orders for values from ('2024-01-01') to ('2025-01-01') partition by list (region);
create table app.orders_2024_eu partition of app.orders_2024 (check (total < 5)) for values in ('de', 'at', 'it''s');
create table app.orders_2024_rest partition of app.orders_2024 default with (fillfactor = 60);
create table app.orders_rest (region text not null, total numeric, gone int, at timestamptz not null, customer bigint, id bigint not null,
  constraint orders_total_check check (total >= 0), constraint "rest pk" primary key (id, at, region));
alter table app.orders_rest drop column gone;
create index "rest by customer" on app.orders_rest (customer);
alter table app.orders attach partition app.orders_rest default;
create index orders_by_customer on app.orders (customer);
create index "local only" on app.orders_2024_eu (total) where total > 1;
create index on only app.orders (total);
create unique index on app.orders_2024 (region, id, at);
create table app.hashed (id int, v text) partition by hash (id, app.plain(v));
create table app.hashed_0 partition of app.hashed for values with (modulus 2, remainder 0);
create table app.hashed_1 partition of app.hashed for values with (modulus 2, remainder 1);
create table app.lines (order_id bigint, at timestamptz, region text, foreign key (order_id, at, region) references app.orders on delete cascade,
  customer bigint, constraint "not yet" foreign key (customer) references "Übung ""A"""."Kunden" not valid);
create function app.of_row(app.base) returns int language sql stable as 'select $1.kind';

create view app.zz as select id, "E-Mail" as mail, status from "Übung ""A"""."Kunden" where amount > 3;
create view app.aa with (security_barrier = true) as select z.mail, app.longest(z.status::text) from app.zz z group by z.mail;
create view app.grouped as select k.*, count(*) over () from "Übung ""A"""."Kunden" k group by k.id;
create view app.checked as select * from app.base where kind > 1 with local check option;
create materialized view app.totals with (fillfactor = 90) as select region, sum(total) as total, max(at) as "Last" from app.orders group by region;
create unique index on app.totals (region);
create view app.over_totals as select * from app.totals where total::int operator(app.~~~) 3;
create rule quiet as on delete to app.cache do instead nothing;
create rule to_base as on insert to app.zz do instead insert into app.base values (new.id, 1, new.mail);

create policy mine on app.base as restrictive for update to schema_test_owner using (note = current_user) with check (kind < 5);
create policy "all see" on app.base using (exists (select from app.cache where k = note));
alter table app.base enable row level security;
alter table app.base force row level security;
