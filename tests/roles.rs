//! Apply as roles that see and may less: a login that switches its role, a colleague who finishes another's work.

mod scratch;
mod support;

use scratch::Scratch;
use scratch::bench::{Bench, answer, plain, report_file, signal};
use std::process::Command;

#[test]
fn a_role_that_cannot_watch_its_own_login_is_told_how_to() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "switched", plain());
    bench.database.sql(
        "create role owners; create role worker login in role owners; alter role worker set role = owners;
         alter table t owner to owners; grant create on schema public to owners; grant create on database switched to owners",
    );
    let worker = Bench { database: bench.database.as_role("worker"), report: report_file(plain()) };
    let before = bench.database.catalog();
    let (code, text) = worker.apply(&[]);
    assert!(code == 4 && text.contains("GRANT pg_read_all_stats, pg_signal_backend TO \"owners\";"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    let stays = format!("{} options='-c role=none'", worker.database.address());
    let run =
        |arguments: &[&str]| answer(Command::new(env!("CARGO_BIN_EXE_advisor")).args(arguments).args(["--db", &stays]).output().unwrap());
    let (code, text) = run(&["apply", worker.report(), "--yes"]);
    assert_eq!(code, 0, "{text}");
}

/// Both own the table and the ledger through a group, and neither sees the other's sessions.
#[test]
fn what_a_colleague_began_is_not_guessed_at() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "colleagues", plain());
    bench.database.sql(
        "create role team; create role ann login in role team; create role bob login in role team;
         alter table t owner to team; grant create on schema public to team; grant create on database colleagues to team",
    );
    let as_role = |role: &str| Bench { database: bench.database.as_role(role), report: report_file(plain()) };
    let (ann, bob) = (as_role("ann"), as_role("bob"));
    let before = bench.database.catalog();
    let held = bench.database.hold("begin; insert into t values (-1, 1, 'x')");
    let mut child = ann.start_apply();
    bench.until_phase("waiting for writers before build");
    signal(&child, "KILL");
    child.wait().unwrap();
    bench.database.sql("reassign owned by ann to team");
    let (code, text) = bob.apply(&[]);
    assert!(code == 6 && text.contains("hidden from role bob") && text.contains("GRANT pg_read_all_stats TO \"bob\";"), "{code} {text}");
    bench.database.sql("grant pg_read_all_stats to bob");
    let (code, text) = bob.run(&["rollback", "--all", "--yes"]);
    assert!(code == 6 && text.contains("GRANT pg_signal_backend TO \"bob\";"), "{code} {text}");
    bench.database.sql("grant pg_signal_backend to bob");
    let back = bob.start(&["rollback", "--all", "--yes"]);
    bench.until_recorded("state = 'dropping'");
    held.commit();
    let (code, text) = answer(back.wait_with_output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}
