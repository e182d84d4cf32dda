create table documents (id int primary key, title text, body text);
alter table documents alter body set storage external;
insert into documents select i, 'title ' || i, repeat(md5(i::text), 400) from generate_series(1, 300) i;
analyze;
-- A list of titles loads every body.
-- times: 20
select * from documents order by id limit 50;
