-- set: unused-index.min_stats_age_days=0
create table logs (id int primary key, level int, message text);
insert into logs select i, i % 5, repeat('m', 40) || i from generate_series(1, 40000) i;
create index logs_message on logs (message);
analyze;
-- times: 20
select level from logs where id = {i};
