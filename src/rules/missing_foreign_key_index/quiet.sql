create table authors (id int primary key, name text);
create table books (id int primary key, author_id int references authors, title text);
insert into authors select i, 'author ' || i from generate_series(1, 1000) i;
insert into books select i, i % 900 + 1, 'book ' || i from generate_series(1, 15000) i;
create index on books (author_id, title) where author_id is not null;
-- A child so small that a scan is as good.
create table notes (id int primary key, author_id int references authors);
insert into notes select i, i % 900 + 1 from generate_series(1, 100) i;
analyze;
delete from authors where id = 1000;
