-- purpose: posts, likes and comments
-- writes:  the tables of schema.sql; few authors write most, few posts are liked most
-- locks:   none that matter; a script, run as one transaction

select setseed(0.33);

insert into posts (id, author_id, title, body, created_at)
select n, 1 + floor(30000 * power(random(), 2.5))::bigint,
       (array['Notes on', 'Against', 'In praise of', 'How we fixed', 'A year of'])[1 + floor(random() * 5)::int] || ' '
           || (array['rain', 'queues', 'indexes', 'gardening', 'trains', 'deadlines', 'bread'])[1 + floor(random() * 7)::int] || ' ' || n,
       repeat('lorem ipsum dolor sit amet ', 2 + n % 7), now() - interval '1 year' * random()
from generate_series(1, 80000) as n;

insert into likes (user_id, post_id, created_at)
select user_id, post_id, now() - interval '1 year' * random()
from (select distinct 1 + floor(30000 * power(random(), 1.5))::bigint as user_id, 1 + floor(80000 * power(random(), 2))::bigint as post_id
      from generate_series(1, 320000)) as pairs;

insert into comments (post_id, user_id, body, created_at)
select 1 + floor(80000 * power(random(), 2))::bigint, 1 + floor(30000 * power(random(), 2))::bigint, 'comment ' || n || ' agrees', now() - interval '1 year' * random()
from generate_series(1, 100000) as n;
