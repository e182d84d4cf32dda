//! Timeouts that somebody set for role or database: none of them touches a build.

use crate::harness::{Next, Pin, Work, finish};
use crate::scratch::Scratch;
use crate::support::servers;
use std::time::Duration;

/// Every timeout that a server can have; each knows some of them.
const TIMEOUTS: &str = "lock_timeout statement_timeout transaction_timeout idle_session_timeout idle_in_transaction_session_timeout";

#[test]
fn timeouts_of_role_and_database_do_not_touch_a_run() {
    for server in servers().into_iter().map(Scratch::on) {
        for (work, pin) in [(Work::Build, Pin::Snapshot), (Work::Unbuild, Pin::Reader)] {
            let trial = work.trial(&server);
            let database = &trial.bench.database;
            let known = format!("select name from pg_settings where name = any (string_to_array('{TIMEOUTS}', ' '))");
            let (child, held) = pin.catch(database, || {
                for (at, name) in database.rows(&known).iter().enumerate() {
                    let owner = if at % 2 == 0 { "role postgres in database" } else { "database" };
                    database.sql(&format!("alter {owner} {} set {name} = '400ms'", database.name));
                }
                trial.start(trial.first)
            });
            std::thread::sleep(Duration::from_millis(900));
            held.commit();
            let what = format!("{work:?} with every timeout at 0.4 s");
            let end = finish(child);
            database.sql(&format!("alter role postgres in database {0} reset all; alter database {0} reset all", database.name));
            trial.was_honest(&what, &[0], &end);
            trial.ends_well(&what, Next::Rollback, finish(trial.start(Next::Rollback)));
        }
    }
}
