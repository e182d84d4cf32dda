-- purpose: the samples of one entry
-- reads:   advisor.ledger_sample
-- locks:   ACCESS SHARE on it
select moment, sample
from advisor.ledger_sample
where id = $1::pg_catalog.text
order by moment
