-- purpose: pin, for this transaction, how values and names are written
-- reads:   nothing
-- locks:   none
select pg_catalog.set_config(f.name, f.value, true) as value
from (values ('search_path', ''), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'),
             ('extra_float_digits', '1'), ('bytea_output', 'hex')) as f (name, value)
order by f.name
