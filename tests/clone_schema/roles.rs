//! Row-level security is planned in the clone for the role that is set, as in the database.

use crate::catalogs::{build, planner, read};
use crate::support;
use tokio_postgres::Client;

const SCHEMA: &str = "
    create role roles_test_group; create role roles_test_tenant login in role roles_test_group;
    create role \"Roles' test\" login; create role roles_test_admin login bypassrls; create role roles_test_loner noinherit login in role roles_test_group;
    create schema s;
    create table s.items (id int primary key, tenant text not null, secret bool);
    create policy own on s.items to roles_test_group using (tenant = current_user);
    create policy open on s.items to \"Roles' test\" using (not secret);
    alter table s.items enable row level security; alter table s.items force row level security;
    grant usage on schema s to public; grant select on s.items to public;
";

const ROLES: [&str; 5] = ["roles_test_tenant", "Roles' test", "roles_test_admin", "roles_test_loner", "roles_test_group"];

async fn plan_as(client: &Client, role: &str) -> String {
    client.batch_execute(&format!("set role {}", advisor::model::text::quote_ident(role))).await.unwrap();
    let rows = client.query("explain (costs off) select * from s.items where id > 3", &[]).await.unwrap();
    client.batch_execute("reset role").await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_hold_for_the_role_that_is_set() {
    for shared in support::servers() {
        let url = shared.database("schema_roles");
        let live = support::connect(&url).await;
        live.batch_execute(SCHEMA).await.unwrap();
        let clone = build(&shared, read(&url).await).await;
        assert_eq!(clone.problems, []);
        live.batch_execute("set enable_bitmapscan = off; set enable_indexscan = off").await.unwrap();
        planner(&clone).batch_execute("set enable_bitmapscan = off; set enable_indexscan = off").await.unwrap();
        let mut plans = Vec::new();
        for role in ROLES {
            let there = plan_as(&live, role).await;
            assert_eq!(there, plan_as(planner(&clone), role).await, "{role} on PostgreSQL {}", shared.binaries.version);
            plans.push(there);
        }
        assert!(plans[0].contains("CURRENT_USER") && plans[1].contains("NOT secret") && !plans[2].contains("secret"), "{plans:#?}");
        // A superuser sees every row, and so does the clone's own role, whom no policy names.
        let own = planner(&clone).query("explain (costs off) select * from s.items where id > 3", &[]).await.unwrap();
        assert_eq!(own.len(), 2, "{own:?}");
    }
}
