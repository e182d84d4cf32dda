create table members (id int primary key, email text);
insert into members select i, 'mail' || i % 500 from generate_series(1, 1000) i;
analyze;
-- expect error
create unique index concurrently members_email_key on members (email);
