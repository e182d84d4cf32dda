-- purpose: keep a sample; a new one from before a change makes the old one from after it void
-- reads:   advisor.ledger_sample
-- locks:   ROW EXCLUSIVE on it
with void as (
  delete from advisor.ledger_sample as s where s.id = $1 and $2 = 'before' and s.moment = 'after'
)
insert into advisor.ledger_sample as s (id, moment, sample)
select $1, $2, $3
order by 1
on conflict (id, moment) do update set sample = excluded.sample, taken_at = pg_catalog.now()
returning s.moment
