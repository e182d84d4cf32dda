create table users (id int primary key, handle text);
create table profiles (user_id int primary key references users, bio text);
create table conversations (id int primary key, owner_id int not null references users, folder int, title text);
create table messages (id int primary key, conversation_id int not null references conversations, body text);
create index on messages (conversation_id);
create index on conversations (folder);
create index on conversations (owner_id);
insert into users select i, 'handle' || i from generate_series(1, 1000) i;
insert into profiles select i, 'bio ' || i from generate_series(1, 1000) i;
insert into conversations select i, i, i % 40, 'title ' || i from generate_series(1, 1000) i;
insert into messages select i, i % 1000 + 1, 'body ' || i from generate_series(1, 8000) i;
analyze;
-- Eight list pages of 25 conversations each,
-- times: 8
select id, owner_id, title from conversations where folder = {i};
-- and for each of the 200 conversations its last messages, their number,
-- times: 200
select id, body from messages where conversation_id = {i} order by id desc limit 5;
-- times: 200
select count(*) from messages where conversation_id = {i};
-- its owner, and the owner's profile.
-- times: 200
select handle from users where id = {i} + 1;
-- times: 200
select bio from profiles where user_id = {i} + 1;
