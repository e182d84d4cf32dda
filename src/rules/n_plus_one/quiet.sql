create table conversations (id int primary key, user_id int not null, title text);
create table messages (id int primary key, conversation_id int not null references conversations, body text);
create index on messages (conversation_id);
create index on conversations (user_id);
create table sessions (token text primary key, user_id int);
insert into conversations select i, i % 40, 'title ' || i from generate_series(1, 1000) i;
insert into messages select i, i % 1000 + 1, 'body ' || i from generate_series(1, 8000) i;
insert into sessions select 'token' || i, i from generate_series(1, 1000) i;
analyze;
-- The eager form: one query for all children of a page.
-- times: 8
select id, title from conversations where user_id = {i};
-- times: 8
select id, conversation_id, body from messages where conversation_id = any (array[{i}, {i} + 40, {i} + 80]);
-- A look-up by key that follows no list, as often as the list has rows.
-- times: 200
select user_id from sessions where token = 'token{i}';
-- A detail page: its calls have nothing to do with the list's rows.
-- times: 60
select title, user_id from conversations where id = {i};
