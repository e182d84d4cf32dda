-- purpose: encoding and locale of the database
-- reads:   pg_database
-- locks:   none
-- As JSON: the columns of locale providers came with 15, changed their names with 17, and are absent before.
select pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding,
       d.datcollate::pg_catalog.text                                as collate,
       d.datctype::pg_catalog.text                                  as ctype,
       coalesce(j.fields ->> 'datlocprovider', 'c')                 as provider,
       coalesce(j.fields ->> 'datlocale', j.fields ->> 'daticulocale') as locale,
       j.fields ->> 'daticurules'                                   as icu_rules
from pg_catalog.pg_database d
cross join lateral (select pg_catalog.to_jsonb(d) as fields) j
where d.datname = pg_catalog.current_database()
order by 1
