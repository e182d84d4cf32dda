create table app.nulls (a int, b int, unique nulls not distinct (a, b));
create view app.invoked with (security_invoker = true) as select * from app.base;
create collation app.german (provider = icu, locale = 'de-u-kn', deterministic = false);
create table app.words (w text collate app.german primary key);
