-- purpose: have the ledger's commits on disk before anything is built on them, where the server is set to be less careful
-- reads:   nothing
-- locks:   none
select pg_catalog.set_config('synchronous_commit', 'local', false) as durable
where pg_catalog.current_setting('synchronous_commit') = 'off'
order by 1
