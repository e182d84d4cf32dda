create table documents (id int primary key, title text, body text);
alter table documents alter body set storage external;
insert into documents select i, 'title ' || i, repeat(md5(i::text), 400) from generate_series(1, 300) i;
create table tags (id int primary key, name text);
insert into tags select i, 'tag ' || i from generate_series(1, 300) i;
analyze;
-- times: 20
select id, title from documents order by id limit 50;
-- A narrow row may be fetched whole.
-- times: 20
select * from tags where id = {i};
