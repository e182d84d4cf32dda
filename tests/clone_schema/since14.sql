create type app.period as range (subtype = timestamptz, multirange_type_name = app.periods);
create function app.atomic(i int) returns bigint language sql stable begin atomic select count(*) from app.zz where id > i; end;
create statistics app.of_expressions on lower(note), kind from app.base;
create table app.packed (a int, p app.periods, body text);
