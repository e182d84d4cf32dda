-- set: idle-in-transaction.warning_seconds=0.2
create table jobs (id int primary key, done boolean);
insert into jobs values (1, false);
analyze;
-- session: other
begin;
-- session: other
update jobs set done = true where id = 1;
select pg_sleep(0.3);
