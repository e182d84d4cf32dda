create table posts (id int primary key, created_at timestamptz not null, title text);
insert into posts select i, timestamptz '2024-01-01' + (i * 7919 % 20000) * interval '1 minute', repeat('title ', 20) from generate_series(1, 20000) i;
create index on posts (created_at desc);
analyze;
-- The first pages, as people read them.
-- times: 40
select id, title from posts order by created_at desc limit 20 offset {i} % 3 * 20;
-- Pages by key.
-- times: 40
select id, title from posts where created_at < timestamptz '2024-01-14' - {i} * interval '1 hour' order by created_at desc limit 20;
