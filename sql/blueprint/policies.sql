-- purpose: row-level security: policies, and the tables on which it is on
-- reads:   pg_policy, pg_class, pg_roles
-- locks:   none
with tables as (
  select c.oid, n.nspname as schema, c.relname as name, c.relrowsecurity, c.relforcerowsecurity
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
), statements as (
  select 1 as step, t.oid, pg_catalog.format('row-level security of %s.%s', t.schema, t.name) as object,
         pg_catalog.format('alter table only %I.%I %s row level security', t.schema, t.name, w.word) as ddl
  from tables t
  join (values ('enable'), ('force')) w (word) on case w.word when 'enable' then t.relrowsecurity else t.relforcerowsecurity end
  union all
  select 2, p.oid, pg_catalog.format('policy %s on %s.%s', p.polname, t.schema, t.name),
         pg_catalog.format('create policy %I on %I.%I as %s for %s to %s%s%s', p.polname, t.schema, t.name,
           case when p.polpermissive then 'permissive' else 'restrictive' end,
           case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
           (select pg_catalog.string_agg(case when r.oid = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) end,
                                         ', ' order by r.place)
            from pg_catalog.unnest(p.polroles) with ordinality r (oid, place)),
           ' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
           ' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  from tables t
  join pg_catalog.pg_policy p on p.polrelid = t.oid
)
select s.object, s.ddl
from statements s
order by s.step, s.oid, s.ddl
