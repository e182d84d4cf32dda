create table readings (id int primary key, value int) with (autovacuum_enabled = false);
insert into readings select i, i % 100 from generate_series(1, 15000) i;
analyze readings;
update readings set value = value + 1000 where id <= 2000;
-- Too small to matter.
create table imported (id int, value int) with (autovacuum_enabled = false);
insert into imported select i, i from generate_series(1, 100) i;
