-- purpose: users, profiles, sessions, followers, settings
-- writes:  the tables of schema.sql; low ids are the popular ones (a power of random)
-- locks:   none that matter; a script, run as one transaction

select setseed(0.11);

-- First names go round by id, so that the app can know a handle. Two accounts share an address: what a unique index will stumble over.
insert into users (id, email, name, created_at)
select n,
       case n when 29999 then 'user7@example.com' else 'user' || n || '@example.com' end,
       (array['Ada', 'Ben', 'Chloe', 'Deniz', 'Emma', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas'])[1 + n % 10]
           || ' ' || (array['Adler', 'Brown', 'Costa', 'Demir', 'Eriksen', 'Fischer', 'Garcia'])[1 + floor(random() * 7)::int],
       now() - interval '2 years' * (1 - n / 30001.0)
from generate_series(1, 30000) as n;

insert into profiles (user_id, handle, display_name, bio)
select id, case id % 3 when 0 then initcap(split_part(name, ' ', 1)) else lower(split_part(name, ' ', 1)) end || id, name,
       repeat('likes walks, code and tea. ', 1 + floor(random() * 3)::int)
from users
order by id;

insert into sessions (token, user_id, expires_at)
select repeat(lpad(to_hex(n::bigint * 2654435761 % 4294967296), 8, '0'), 4), 1 + floor(30000 * power(random(), 2))::bigint, now() + interval '30 days' * (0.1 + random())
from generate_series(1, 40000) as n;

insert into followers (follower_id, followee_id, created_at)
select follower_id, followee_id, now() - interval '1 year' * random()
from (select distinct 1 + floor(30000 * power(random(), 2))::bigint as follower_id, 1 + floor(30000 * power(random(), 3))::bigint as followee_id
      from generate_series(1, 150000)) as pairs
where follower_id <> followee_id;

insert into app_settings (key, value)
select 'feature.' || n, case n % 2 when 0 then 'on' else 'off' end
from generate_series(1, 40) as n;
