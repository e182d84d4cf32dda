-- purpose: what the demo's app says to its database; each block is prepared and run as one statement
-- reads:   the tables of schema.sql
-- locks:   row locks of its inserts, updates and deletes

-- name: session
select user_id from sessions where token = $1 and expires_at > now()

-- name: setting
select value from app_settings where key = $1

-- name: user
select id, email, name from users where id = $1

-- name: inbox
select c.id, c.title, c.updated_at
from conversations c join conversation_members m on m.conversation_id = c.id
where m.user_id = $1
order by c.updated_at desc
limit 10

-- name: last_message
select id, sender_id, body, created_at from messages where conversation_id = $1 order by created_at desc limit 1

-- name: unread_messages
select count(*) from messages where conversation_id = $1 and read_at is null and sender_id <> $2

-- name: recent_conversations
select conversation_id from conversation_members where user_id = $1 order by joined_at desc limit 10

-- name: last_messages_of_all
select distinct on (conversation_id) conversation_id, id, body, created_at
from messages
where conversation_id = any($1)
order by conversation_id, created_at desc

-- name: messages
select id, sender_id, body, created_at, read_at from messages where conversation_id = $1 order by created_at desc limit 50

-- name: feed
select p.id, p.author_id, p.title, p.created_at
from posts p
where p.author_id in (select f.followee_id from followers f where f.follower_id = $1)
order by p.created_at desc
limit 10

-- name: like_count
select count(*) from likes where post_id = $1

-- name: posts_of_user
select id, title, created_at from posts where author_id = $1 order by created_at desc limit 20

-- name: comments_of_post
select id, user_id, body, created_at from comments where post_id = $1 order by created_at desc limit 20

-- name: last_comment
select max(created_at) as last_comment_at from comments where post_id = $1

-- name: archive
select id, title, created_at from posts order by created_at desc, id desc limit 25 offset $1

-- name: profile
select user_id, handle, display_name, bio from profiles where lower(handle) = lower($1)

-- name: search
select user_id, handle, display_name from profiles where display_name ilike '%' || $1 || '%' limit 200

-- name: members
select distinct u.id, u.name, count(*) over () as total
from users u join followers f on f.followee_id = u.id
where u.created_at > now() - make_interval(days => $1)
order by u.id
limit 20

-- name: newcomers
select id, email, created_at from users where created_at > now() - make_interval(days => $1) order by created_at desc limit 50

-- name: document_exists
select 1 from documents where id = $1

-- name: document
select * from documents where id = $1

-- name: document_by_hash
select id, owner_id, name, size_bytes, created_at from documents where file_hash = $1

-- name: documents_of_user
select id, name, size_bytes, created_at from documents where owner_id = $1 order by created_at desc limit 20

-- name: unread_updates
select id, kind, payload, created_at from agent_updates where agent_id = $1 and read_at is null order by created_at desc limit 20

-- name: mark_update_read
update agent_updates set read_at = now() where id = $1

-- name: send_message
insert into messages (conversation_id, sender_id, body) values ($1, $2, $3) returning id

-- name: touch_conversation
update conversations set updated_at = now() where id = $1

-- name: mark_messages_read
update messages set read_at = now() where conversation_id = $1 and sender_id <> $2 and read_at is null

-- name: like
insert into likes (user_id, post_id) values ($1, $2) on conflict do nothing

-- name: comment
insert into comments (post_id, user_id, body) values ($1, $2, $3)

-- name: sign_up
insert into users (email, name) values ($1, $2) returning id

-- name: add_profile
insert into profiles (user_id, handle, display_name) values ($1, $2, $3)

-- name: add_post
insert into posts (author_id, title, body) values ($1, $2, $3) returning id

-- name: close_account
delete from users where id = $1

-- name: open_conversation
insert into conversations (title, created_by) values ($1, $2) returning id

-- name: add_member
insert into conversation_members (conversation_id, user_id) values ($1, $2)

-- name: delete_conversation
delete from conversations where id = $1
