create table accounts (id int primary key, email text);
insert into accounts select i, 'mail' || i from generate_series(1, 2000) i;
create unique index accounts_email_key on accounts (email);
-- The same again, by another tool.
create index accounts_email_again on accounts (email);
create unique index accounts_id_again on accounts (id);
analyze;
