create table orders (id int primary key, customer_id int, status text, made timestamptz);
insert into orders select i, i % 500, case when i % 50 = 0 then 'open' else 'done' end, now() from generate_series(1, 30000) i;
analyze;
-- 60 of 30 000 rows per call, and nothing to find them by.
-- times: 20
select id, made from orders where customer_id = {i};
