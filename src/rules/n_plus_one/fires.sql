create table conversations (id int primary key, user_id int not null, title text);
create table messages (id int primary key, conversation_id int not null references conversations, body text);
create index on messages (conversation_id);
create index on conversations (user_id);
insert into conversations select i, i % 40, 'title ' || i from generate_series(1, 1000) i;
insert into messages select i, i % 1000 + 1, 'body ' || i from generate_series(1, 8000) i;
analyze;
-- Eight list pages of 25 conversations each,
-- times: 8
select id, title from conversations where user_id = {i};
-- and for each of the 200 conversations its messages, and their number.
-- times: 200
select id, body from messages where conversation_id = {i} order by id desc limit 5;
-- times: 200
select count(*) from messages where conversation_id = {i};
