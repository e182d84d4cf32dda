-- times: 2
select pg_sleep(0.05);
