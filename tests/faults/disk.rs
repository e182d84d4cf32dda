//! No room: for temporary files, or for the index itself. Nothing is mounted for it.

use crate::harness::{Pin, failed_and_left_nothing, finish, fresh};
use crate::scratch::Scratch;
use crate::scratch::bench::{Bench, on_t, plain};
use crate::support::own;
use advisor::model::index_def::KeySpec;
use advisor::pg::server::ServerOptions;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Rows enough that sorting them takes files.
const MANY: &str = "insert into t select g, g, md5(g::text) from generate_series(2000, 60000) g";

#[test]
fn a_build_without_room_to_sort_leaves_nothing() {
    let server = Scratch::start();
    let bench = Bench::new(&server, &fresh(), vec![on_t("t_b", KeySpec::column("b"))]);
    let database = &bench.database;
    database.sql(MANY);
    let set = |name: &str, value: &str| database.sql(&format!("alter role postgres in database {} set {name} = {value}", database.name));
    set("maintenance_work_mem", "'1MB'");
    set("temp_file_limit", "'64kB'");
    failed_and_left_nothing(&bench, "temp_file_limit", || set("temp_file_limit", "-1"));
}

/// The worker's own process may not write files as large as the index. Its log segments, of 1 MB, are smaller.
#[test]
fn a_build_without_room_for_the_index_leaves_nothing() {
    let (server, shared) = own(ServerOptions { wal_segment_mb: 1, label: "advisor disk test".into(), ..ServerOptions::default() });
    let scratch = Scratch::on(shared);
    let bench = Bench::new(&scratch, &fresh(), plain());
    let database = &bench.database;
    database.sql(MANY);
    let before = database.catalog();
    let (child, held) = Pin::Writer.catch(database, || bench.start_apply());
    let worker = database.rows("select pid from pg_stat_activity where datname = current_database() and application_name like '%worker'");
    // As the server's own account, which may always lower its limits.
    let account = std::fs::metadata(server.data_dir()).unwrap();
    let limit = Command::new("prlimit").uid(account.uid()).gid(account.gid()).args(["--pid", &worker[0], "--fsize=1048576"]).status();
    assert!(limit.unwrap().success());
    held.commit();
    let (code, text) = finish(child);
    assert!(code == 5 && text.contains("File too large"), "{code} {text}");
    assert_eq!(database.catalog(), before);
    bench.is_clean();
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "with room again: {text}");
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(database.catalog(), before);
    server.stop();
}
