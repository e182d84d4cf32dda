create table users (id int primary key, handle text);
create table conversations (id int primary key, owner_id int not null references users, folder int, title text);
create table messages (id int primary key, conversation_id int not null references conversations, body text);
create index on messages (conversation_id);
create index on conversations (folder);
create index on conversations (owner_id);
create table sessions (token text primary key, user_id int references users);
create table jobs (id int primary key, conversation_id int references conversations, done boolean);
insert into users select i, 'handle' || i from generate_series(1, 1000) i;
insert into conversations select i, i, i % 40, 'title ' || i from generate_series(1, 1000) i;
insert into messages select i, i % 1000 + 1, 'body ' || i from generate_series(1, 8000) i;
insert into sessions select 'token' || i, i from generate_series(1, 1000) i;
insert into jobs select i, i, true from generate_series(1, 200) i;
create index on jobs (conversation_id);
analyze;
-- The eager form: one query for all children of a page, one for all owners.
-- times: 8
select id, owner_id, title from conversations where folder = {i};
-- times: 8
select id, conversation_id, body from messages where conversation_id = any (array[{i}, {i} + 40, {i} + 80]);
-- times: 8
select id, handle from users where id in ({i}, {i} + 40, {i} + 80);
-- A look-up by key that follows no list, as often as the list has rows.
-- times: 200
select user_id from sessions where token = 'token{i}';
-- Detail pages: the parent, then its messages; calls have nothing to do with the list's rows.
-- times: 60
select title, owner_id from conversations where id = {i} + 1;
-- times: 60
select id, body from messages where conversation_id = {i} + 1 order by id limit 50;
-- A poller, as often as the list has rows.
-- times: 200
select id from jobs where conversation_id = {i} and not done limit 1 for update skip locked;
