-- An order and stock system in the manner of decision-support benchmarks: facts, dimensions, skew, correlated dates.
create table regions (id int primary key, name text not null);
create table countries (id int primary key, region_id int not null references regions, name text not null);
create table suppliers (id int primary key, country_id int not null references countries, name text not null, balance numeric(12,2));
create table parts (id int primary key, brand text, kind text, size int, price numeric(12,2));
create table stock (part_id int references parts, supplier_id int references suppliers, available int, cost numeric(12,2), primary key (part_id, supplier_id));
create table buyers (id int primary key, country_id int not null references countries, segment text, balance numeric(12,2), phone text);
create table sales (id int primary key, buyer_id int not null references buyers, status char(1), total numeric(12,2), sold date, priority text);
create table sale_lines (sale_id int references sales, line int, part_id int, supplier_id int, quantity numeric(12,2), price numeric(12,2),
  discount numeric(12,2), flag char(1), shipped date, due date, received date, mode text, primary key (sale_id, line));
insert into regions select g, 'region ' || g from generate_series(0, 4) g;
insert into countries select g, g % 5, 'country ' || g from generate_series(0, 24) g;
insert into suppliers select g, g % 25, 'supplier ' || g, (g * 7919 % 1000000) / 100.0 from generate_series(1, 2000) g;
insert into parts select g, 'brand ' || g % 25, 'kind ' || g % 150, 1 + g % 50, 900 + (g % 1000) / 10.0 from generate_series(1, 40000) g;
insert into stock select p, 1 + (p + s * 500) % 2000, (p * 31 + s * 17) % 10000, (p * 13 + s) % 1000 from generate_series(1, 40000) p, generate_series(0, 3) s;
insert into buyers select g, g % 25, 'segment ' || g % 5, (g::bigint * 104729 % 1100000) / 100.0 - 1000, (10 + g % 25) || '-' || g from generate_series(1, 30000) g;
insert into sales select g, 1 + floor(30000 * power((g * 7919 % 100003) / 100003.0, 2))::int, case when g % 2 = 0 then 'O' when g % 40 = 1 then 'P' else 'F' end,
  g % 50000, date '1992-01-01' + (g * 6151) % 2400, 'priority ' || g % 5 from generate_series(1, 200000) g;
insert into sale_lines select s.id, l, 1 + (s.id * 37 + l * 7919) % 40000, 1 + (s.id * 11 + l) % 2000, 1 + (s.id + l) % 50, 900 + (s.id * l) % 90000,
  (s.id % 11) / 100.0, case when (s.id + l) % 4 = 0 then 'R' when (s.id + l) % 4 = 1 then 'A' else 'N' end,
  s.sold + (l * 13 + s.id) % 121, s.sold + 30 + s.id % 60, s.sold + (l * 13 + s.id) % 121 + 1 + s.id % 30, 'mode ' || (s.id + l) % 7
  from sales s, generate_series(1, 4) l;
create statistics parts_brand_kind (ndistinct, dependencies, mcv) on brand, kind from parts;
create table events (id bigint, kind text, at timestamptz not null, payload jsonb, tags text[]) partition by range (at);
create table events_old partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_new partition of events for values from ('2025-01-01') to ('2026-01-01');
insert into events select g, 'kind ' || (random() * random() * 40)::int, timestamptz '2024-02-01' + g * interval '4 minutes',
  jsonb_build_object('user', g % 5000, 'ok', g % 3 = 0), array['t' || g % 20, 'u' || g % 7] from generate_series(1, 150000) g;
