use super::*;
use crate::model::ddl::CreateIndex;
use crate::model::index_def::TableName;
use crate::model::ledger::{Definition, Motion, Worker};
use std::os::unix::fs::PermissionsExt;

fn cluster() -> Cluster {
    Cluster { system: Some(7), database_oid: 16384, database: "d".into() }
}

fn entry(id: &str) -> Entry {
    let create = CreateIndex {
        name: id.into(),
        table: TableName::new("s", "t"),
        unique: false,
        body: "USING btree (a)".into(),
        tablespace: None,
        predicate: None,
    };
    Entry::planned(id, "run", Motion::Create, Definition { create, extras: vec![], valid: true })
}

async fn made(folder: &Path) -> LedgerFile {
    let file = LedgerFile::new(folder.join("deep/ledger.json"), cluster());
    assert!(file.read().unwrap().is_none());
    file.create().await.unwrap();
    file
}

#[tokio::test]
async fn changes_are_compare_and_set_and_leave_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path()).await;
    assert!(file.plan(&entry("a")).await.unwrap());
    let begin = Change {
        owned: Some(true),
        worker: Some(Worker { pid: 5, started: 6 }),
        attempt: true,
        ..Change::new(State::Planned, State::Building)
    };
    assert!(file.record("a", &begin).await.unwrap());
    assert!(!file.record("a", &begin).await.unwrap(), "somebody else moved it");
    assert!(!file.record("b", &begin).await.unwrap(), "no such entry");
    assert!(!file.plan(&entry("a")).await.unwrap(), "it is under way");
    let built = Change { index_oid: Some(9), ..Change::new(State::Building, State::Built) };
    assert!(file.record("a", &built).await.unwrap());
    let read = file.entries(Some("a")).unwrap().pop().unwrap();
    assert_eq!((read.state, read.owned, read.attempt, read.index_oid), (State::Built, true, 1, Some(9)));
    assert_eq!(read.definition.mark(), Some("a"));
    assert_eq!((read.worker.map(|w| w.pid), read.error), (Some(5), None));
    let events = file.read().unwrap().unwrap().events;
    assert_eq!(events.iter().map(|e| e.to).collect::<Vec<_>>(), [State::Planned, State::Building, State::Built]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file.path()), mode(file.folder())), (0o600, 0o700));
}

#[tokio::test]
async fn two_ways_to_one_ledger_are_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path()).await;
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(file.path(), &link).unwrap();
    std::os::unix::fs::symlink(folder.path().join("deep"), folder.path().join("other")).unwrap();
    let _held = file.lock().await.unwrap();
    for path in [link, folder.path().join("other/ledger.json"), folder.path().join("deep/../deep/ledger.json")] {
        let other = LedgerFile::new(path, cluster());
        assert_eq!(other.lock().await.unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_wins_and_no_change_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path()).await;
    let runs = (0..8).map(|n| {
        let file = file.clone();
        tokio::spawn(async move {
            assert!(file.plan(&entry(&format!("own{n}"))).await.unwrap());
            let _ = file.plan(&entry("all")).await.unwrap();
            file.record("all", &Change::new(State::Planned, State::Building)).await.unwrap()
        })
    });
    let mut won = 0;
    for run in runs.collect::<Vec<_>>() {
        won += usize::from(run.await.unwrap());
    }
    assert_eq!((won, file.entries(None).unwrap().len()), (1, 9));
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path()).await;
    let good = std::fs::read_to_string(file.path()).unwrap();
    let write = |text: &str| std::fs::write(file.path(), text).unwrap();
    for (bad, why) in [
        ("", "not readable"),
        ("{\"a\": 1}", "not readable"),
        (&good[..good.len() / 2], "not readable"),
        (&good.replace("\"advisor_ledger\": 1", "\"advisor_ledger\": 2"), "form 2"),
        (&good.replace("\"system\": 7", "\"system\": 8"), "of system 8"),
        (&good.replace("16384", "16385"), "OID 16385"),
    ] {
        write(bad);
        let refused = file.plan(&entry("a")).await.unwrap_err();
        assert!(refused.message.contains(why) && refused.code.as_deref() == Some("58030"), "{refused:?}");
        assert!(file.create().await.is_err() && file.entries(None).is_err());
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), bad);
    }
    write(&good);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(file.read().unwrap_err().message.contains("others may write to it"));
}

#[tokio::test]
async fn a_file_that_is_gone_or_held_is_an_error_not_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path()).await;
    let held = file.lock().await.unwrap();
    assert!(file.plan(&entry("a")).await.unwrap_err().message.contains("does not let go"));
    drop(held);
    std::fs::remove_file(file.path()).unwrap();
    assert!(file.record("a", &Change::new(State::Planned, State::Building)).await.unwrap_err().message.contains("is gone"));
    assert!(!file.path().exists());
}

#[test]
fn the_default_names_cluster_and_database() {
    let name = default_path(&cluster()).map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(name.unwrap(), "ledger-7-16384.json");
    assert!(default_path(&Cluster { system: None, ..cluster() }).unwrap_err().hints[0].contains("--ledger FILE"));
}
