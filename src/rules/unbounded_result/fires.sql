create table products (id int primary key, name text, active boolean);
insert into products select i, 'product ' || i, i % 2 = 0 from generate_series(1, 5000) i;
analyze;
-- times: 10
select id, name from products where active;
