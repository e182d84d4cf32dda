-- purpose: conversations, their members and messages
-- writes:  the tables of schema.sql; few conversations hold most messages, one message in eight is unread
-- locks:   none that matter; a script, run as one transaction

select setseed(0.22);

insert into conversations (id, title, created_by, updated_at)
select n, 'about ' || (array['the release', 'lunch', 'the budget', 'holidays', 'that bug', 'the move'])[1 + floor(random() * 6)::int] || ' ' || n,
       1 + floor(30000 * power(random(), 2))::bigint, now() - interval '300 days' * random()
from generate_series(1, 50000) as n;

insert into conversation_members (conversation_id, user_id, joined_at)
select conversation_id, user_id, now() - interval '1 year' * random()
from (select distinct 1 + n % 50000 as conversation_id, 1 + floor(30000 * power(random(), 3))::bigint as user_id
      from generate_series(1, 170000) as n) as pairs;

insert into messages (conversation_id, sender_id, body, created_at, read_at)
select conversation_id, 1 + floor(30000 * power(random(), 2))::bigint, 'message number ' || n || ': ' || repeat('well, ', 1 + n % 9),
       sent, case when random() < 0.875 then sent + interval '1 hour' end
from (select n, 1 + floor(50000 * power(random(), 2.5))::bigint as conversation_id, now() - interval '1 year' * random() as sent
      from generate_series(1, 350000) as n) as drawn;
