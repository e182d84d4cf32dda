-- purpose: the indexes that an engineer gives the demo's app, by a rule written down before any advice was looked at:
--          equality, then range or order; INCLUDE of up to three narrow columns where that covers the query; partial for
--          constants; expressions as written; GIN for containment and trigram search. Every foreign key that a DELETE of the
--          workload looks up gets an index unless its table is tiny (agents: 400 rows). What is redundant, broken or unread goes.
-- writes:  indexes on the tables of sql/demo/schema.sql
-- locks:   none that matter; a script

create extension if not exists pg_trgm;

-- inbox, recent_conversations; DELETE on users. Equality, order, and what both select.
create index on conversation_members (user_id, joined_at desc) include (conversation_id);
-- last_message, last_messages_of_all, messages; DELETE on conversations. The body is too wide for INCLUDE.
create index on messages (conversation_id, created_at desc);
-- unread_messages, mark_messages_read. Partial for the constant, covering for the count.
create index on messages (conversation_id) include (sender_id) where read_at is null;
-- feed, posts_of_user; DELETE on users.
create index on posts (author_id, created_at desc) include (id, title);
-- archive.
create index on posts (created_at desc, id desc) include (title);
-- like_count; DELETE on posts.
create index on likes (post_id);
-- profile.
create index on profiles (lower(handle));
-- search.
create index on profiles using gin (display_name gin_trgm_ops);
-- members; DELETE on users.
create index on followers (followee_id);
-- document_by_hash. Five columns, one of them wide: nothing to INCLUDE.
create index on documents (file_hash);
-- documents_of_user; DELETE on users.
create index on documents (owner_id, created_at desc);
-- unread_updates. Partial for the constant; the payload is too wide for INCLUDE.
create index on agent_updates (agent_id, created_at desc) where read_at is null;
-- DELETE on users.
create index on sessions (user_id);
create index on conversations (created_by);
create index on messages (sender_id);
create index on comments (user_id);

-- The same definition twice, the prefix of a longer one, never read, INVALID.
drop index users_created_at_idx1;
drop index comments_post_id_idx;
drop index documents_name_idx;
drop index users_email_key;
