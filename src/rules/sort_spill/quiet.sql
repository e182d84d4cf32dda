create table events (id int primary key, kind int, payload text);
insert into events select i, i % 10, repeat(md5(i::text), 8) from generate_series(1, 20000) i;
analyze;
set work_mem = '64MB';
-- times: 3
select kind, count(*) from (select kind, payload from events order by payload offset 0) s group by kind;
reset work_mem;
