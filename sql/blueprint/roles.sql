-- purpose: roles that log in, own relations or are named by policies, those that matter most first
-- reads:   pg_roles, pg_policy, pg_class
-- locks:   none
with named as (
  select r.oid, r.rolname, r.rolsuper, r.rolsuper or r.rolbypassrls as bypasses,
         exists (select from pg_catalog.pg_policy p where r.oid = any (p.polroles)) as in_policy,
         exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                 where c.relowner = r.oid and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema') as owner,
         r.rolcanlogin
  from pg_catalog.pg_roles r
  where r.rolname not like 'pg\_%'
), chosen as (
  select n.*, pg_catalog.count(*) over () as total
  from named n
  where n.in_policy or n.owner or n.rolcanlogin
  order by n.in_policy desc, n.owner desc, n.rolname
  limit 500
)
select c.rolname::pg_catalog.text as name,
       c.bypasses                 as bypasses_row_security,
       -- Whose rights it has, through however many steps; a superuser would have everyone's.
       coalesce((select pg_catalog.array_agg(g.rolname::pg_catalog.text order by g.rolname)
                 from chosen g where g.oid <> c.oid and not c.rolsuper and pg_catalog.pg_has_role(c.oid, g.oid, 'usage')),
                array[]::pg_catalog.text[]) as member_of,
       c.total                    as total
from chosen c
order by c.rolname
