create table members (id int primary key, email text);
insert into members select i, 'mail' || i from generate_series(1, 1000) i;
analyze;
create unique index concurrently members_email_key on members (email);
