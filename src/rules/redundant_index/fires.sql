create table visits (id int primary key, user_id int, page text, at timestamptz);
insert into visits select i, i % 100, 'page', now() from generate_series(1, 2000) i;
create index visits_user on visits (user_id);
create index visits_user_at on visits (user_id, at);
-- Reversed as a whole is the same order read backwards.
create index visits_page on visits (page desc nulls first);
create index visits_page_at on visits (page, at);
analyze;
