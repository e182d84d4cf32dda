-- Somebody waits more than a second for this.
select pg_sleep(1.05);
