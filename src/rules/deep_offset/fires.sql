create table posts (id int primary key, created_at timestamptz not null, title text);
insert into posts select i, timestamptz '2024-01-01' + (i * 7919 % 20000) * interval '1 minute', repeat('title ', 20) from generate_series(1, 20000) i;
create index on posts (created_at desc);
analyze;
-- Pages 0, 25, 50 … 975.
-- times: 40
select id, title from posts order by created_at desc limit 20 offset {i} * 500;
