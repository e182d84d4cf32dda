-- purpose: agents, their updates with read marks, documents
-- writes:  the tables of schema.sql; one update in six is unread
-- locks:   none that matter; a script, run as one transaction

select setseed(0.44);

insert into agents (id, owner_id, name)
select n, 1 + floor(30000 * random())::bigint, 'agent ' || n
from generate_series(1, 400) as n;

insert into agent_updates (agent_id, kind, payload, created_at, read_at)
select 1 + floor(400 * power(random(), 1.5))::bigint, (array['progress', 'question', 'result', 'failure'])[1 + floor(random() * 4)::int],
       jsonb_build_object('step', n, 'note', repeat('x', 10 + n % 40)), made, case when random() < 0.83 then made + interval '5 minutes' end
from (select n, now() - interval '200 days' * random() as made from generate_series(1, 150000) as n) as drawn;

insert into documents (id, owner_id, name, file_hash, size_bytes, created_at)
select n, 1 + floor(30000 * power(random(), 2))::bigint, 'report-' || md5('name ' || n) || '.pdf', repeat(lpad(to_hex(n::bigint * 2654435761 % 4294967296), 8, '0'), 4), 1000 + floor(1e6 * random())::bigint,
       now() - interval '1 year' * random()
from generate_series(1, 60000) as n;
