-- purpose: a table to be indexed: kind, rights, age
-- reads:   pg_class, pg_namespace, settings
-- locks:   none
select c.oid                                                            as oid,
       c.relkind::pg_catalog.text                                       as kind,
       c.relpersistence::pg_catalog.text                                as persistence,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text          as owner,
       pg_catalog.pg_has_role(c.relowner, 'USAGE')                      as ours,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE')                 as may_create,
       case when c.relfrozenxid <> '0'::pg_catalog.xid then pg_catalog.age(c.relfrozenxid)::pg_catalog.int8 end as frozen_age,
       pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.int8 as freeze_max_age
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
order by 1
