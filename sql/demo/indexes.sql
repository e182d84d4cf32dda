-- purpose: the indexes the app has: two good ones, a duplicate, a redundant and an unused one
-- writes:  indexes on the tables of schema.sql
-- locks:   none that matter; a script, run as one transaction

-- Good: the admin's list of newcomers and the comments of a post use them.
create index users_created_at_idx on users (created_at);
create index comments_post_id_created_at_idx on comments (post_id, created_at);
-- The same again under another name.
create index users_created_at_idx1 on users (created_at);
-- The first column of a longer one.
create index comments_post_id_idx on comments (post_id);
-- Nobody looks documents up by name.
create index documents_name_idx on documents (name);
