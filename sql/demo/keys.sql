-- purpose: primary and foreign keys; no index serves most foreign keys, as in many an app
-- writes:  constraints on the tables of schema.sql, and the sequences moved past the loaded ids
-- locks:   none that matter; a script, run as one transaction

alter table users add primary key (id);
alter table profiles add primary key (user_id);
alter table sessions add primary key (token);
alter table app_settings add primary key (key);
alter table conversations add primary key (id);
alter table conversation_members add primary key (conversation_id, user_id);
alter table messages add primary key (id);
alter table posts add primary key (id);
alter table likes add primary key (user_id, post_id);
alter table comments add primary key (id);
alter table followers add primary key (follower_id, followee_id);
alter table agents add primary key (id);
alter table agent_updates add primary key (id);
alter table documents add primary key (id);

alter table profiles add foreign key (user_id) references users on delete cascade;
alter table sessions add foreign key (user_id) references users on delete cascade;
alter table conversations add foreign key (created_by) references users on delete set null;
alter table conversation_members add foreign key (conversation_id) references conversations on delete cascade;
alter table conversation_members add foreign key (user_id) references users on delete cascade;
alter table messages add foreign key (conversation_id) references conversations on delete cascade;
alter table messages add foreign key (sender_id) references users on delete cascade;
alter table posts add foreign key (author_id) references users on delete cascade;
alter table likes add foreign key (user_id) references users on delete cascade;
alter table likes add foreign key (post_id) references posts on delete cascade;
alter table comments add foreign key (post_id) references posts on delete cascade;
alter table comments add foreign key (user_id) references users on delete cascade;
alter table followers add foreign key (follower_id) references users on delete cascade;
alter table followers add foreign key (followee_id) references users on delete cascade;
alter table agents add foreign key (owner_id) references users on delete cascade;
alter table agent_updates add foreign key (agent_id) references agents on delete cascade;
alter table documents add foreign key (owner_id) references users on delete cascade;

select setval(pg_get_serial_sequence('users', 'id'), 30000),
       setval(pg_get_serial_sequence('conversations', 'id'), 50000),
       setval(pg_get_serial_sequence('posts', 'id'), 80000),
       setval(pg_get_serial_sequence('agents', 'id'), 400),
       setval(pg_get_serial_sequence('documents', 'id'), 60000);
