create table orders (id int primary key, customer_id int, status text, made timestamptz);
insert into orders select i, i % 500, case when i % 50 = 0 then 'open' else 'done' end, now() from generate_series(1, 30000) i;
create index on orders (customer_id);
create table settings (key text primary key, value text);
insert into settings select 'key' || i, 'value' from generate_series(1, 50) i;
analyze;
-- times: 20
select id, made from orders where customer_id = {i};
-- Nearly all rows are wanted: a scan is right.
-- times: 20
select sum(customer_id) from orders where status = 'done';
-- The first rows that match come soon: the scan stops.
-- times: 20
select id from orders where status = 'done' limit 10;
-- A table of one page.
-- times: 20
select value from settings where value = 'x{i}';
