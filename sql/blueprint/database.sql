-- purpose: encoding and locale of the database
-- reads:   pg_database
-- locks:   none
select pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text as encoding,
       d.datcollate::pg_catalog.text                                as collate,
       d.datctype::pg_catalog.text                                  as ctype
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
order by 1
