create table visits (id int primary key, user_id int, page text, at timestamptz, unique (page));
insert into visits select i, i % 100, 'page' || i, now() from generate_series(1, 2000) i;
-- Not the first key of the other.
create index visits_at on visits (at);
create index visits_user_at on visits (user_id, at);
-- Unique: it does more than serve plans.
create index visits_page_at on visits (page, at);
-- The wider one has only some of the rows.
create index visits_user on visits (user_id) include (page);
create index visits_user_page on visits (user_id, page) where at is not null;
analyze;
