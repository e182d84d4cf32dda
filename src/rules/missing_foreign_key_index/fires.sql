create table authors (id int primary key, name text);
create table books (id int primary key, author_id int references authors, title text);
insert into authors select i, 'author ' || i from generate_series(1, 1000) i;
insert into books select i, i % 900 + 1, 'book ' || i from generate_series(1, 15000) i;
-- Indexes that do not help: another column first, and some rows only.
create index on books (title, author_id);
create index on books (author_id) where title is null;
analyze;
delete from authors where id = 1000;
