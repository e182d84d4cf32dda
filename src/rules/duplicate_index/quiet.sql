create table accounts (id int primary key, email text, deleted boolean);
insert into accounts select i, 'mail' || i from generate_series(1, 2000) i;
create unique index accounts_email_key on accounts (email);
-- Another operator class, another predicate, another method: other indexes.
create index accounts_email_pattern on accounts (email text_pattern_ops);
create index accounts_email_live on accounts (email) where not deleted;
create index accounts_email_hash on accounts using hash (email);
analyze;
