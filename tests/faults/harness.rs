//! A fault test as data: what is done, where real sessions hold it, what befalls it there, and what is run next.
//!
//! The expected end needs no table. Whatever happened: a run that says 0 has reached its goal, one that says 5 has
//! left nothing, and the next command reaches its own goal, after which a second run of it changes nothing, no index
//! is INVALID, and neither a lock nor a backend of ours is left.

use crate::scratch::bench::{Bench, answer, drop_of, on_t, signal};
use crate::scratch::{Database, Held, Scratch};
use crate::support::proxy::Proxy;
use advisor::model::index_def::KeySpec;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// An index on it is built for as long as somebody holds advisory lock 7 alone.
const GATE: &str = "create function gate(int) returns int immutable language plpgsql as
  'begin perform pg_catalog.pg_advisory_xact_lock_shared(7); return $1; end'";

/// No wait of a case takes longer, or something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is under way when the fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// apply builds an index.
    Build,
    /// apply drops one.
    Drop,
    /// rollback drops what apply built.
    Unbuild,
    /// rollback builds what apply dropped.
    Undrop,
}

/// Where it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// Waiting for the table's lock: nothing is in the catalog yet.
    TableLock,
    /// A build waiting for writers, before it scans.
    Writer,
    /// Scanning the table.
    Scan,
    /// Waiting for writers before it validates.
    LateWriter,
    /// Validating.
    Validation,
    /// Waiting for old snapshots, all work done.
    Snapshot,
    /// A drop waiting for readers, the index already of no use to plans.
    Reader,
    /// Waiting for them a second time, the index dead.
    LateReader,
}

macro_rules! phase {
    ($phase:literal) => {
        concat!("select 1 from pg_stat_progress_create_index where datname = current_database() and phase = '", $phase, "'")
    };
}

/// One session of a pin, and the row that says that it works.
struct Stage {
    hold: &'static str,
    seen: &'static str,
}

const LOCK: Stage = Stage {
    hold: "begin; lock table t in share update exclusive mode",
    seen: "select 1 from pg_stat_activity where datname = current_database() and application_name like '%worker' and wait_event = 'relation'",
};
const WRITER: Stage = Stage { hold: "begin; insert into t values (-1, 1, 'x')", seen: phase!("waiting for writers before build") };
const SCAN: Stage = Stage { hold: "select pg_advisory_lock(7)", seen: phase!("building index: scanning table") };
const LATE_WRITER: Stage =
    Stage { hold: "begin; insert into t values (-2, 2, 'y')", seen: phase!("waiting for writers before validation") };
const VALIDATION: Stage = Stage { hold: "select pg_advisory_lock(7)", seen: phase!("index validation: scanning table") };
const SNAPSHOT: Stage =
    Stage { hold: "begin isolation level repeatable read; select count(*) from other", seen: phase!("waiting for old snapshots") };
const READER: Stage = Stage { hold: "begin; select count(*) from t", seen: "select 1 from pg_index where not indisvalid and indislive" };
const LATE_READER: Stage = Stage { hold: "begin; select count(*) from t", seen: "select 1 from pg_index where not indislive" };

impl Pin {
    /// Where a build can be held.
    pub const OF_BUILDS: [Pin; 6] = [Pin::TableLock, Pin::Writer, Pin::Scan, Pin::LateWriter, Pin::Validation, Pin::Snapshot];
    /// Where a drop can be held.
    pub const OF_DROPS: [Pin; 3] = [Pin::TableLock, Pin::Reader, Pin::LateReader];

    /// One after the other: a session is let go once the next one is there.
    fn stages(self) -> &'static [Stage] {
        match self {
            Pin::TableLock => &[LOCK],
            Pin::Writer => &[WRITER],
            Pin::Scan => &[SCAN],
            Pin::LateWriter => &[WRITER, LATE_WRITER],
            Pin::Validation => &[WRITER, LATE_WRITER, VALIDATION],
            Pin::Snapshot => &[SNAPSHOT],
            Pin::Reader => &[READER],
            Pin::LateReader => &[READER, LATE_READER],
        }
    }

    /// Starts the work and returns once it is held, with the session that holds it.
    pub fn catch(self, database: &Database, start: impl FnOnce() -> Child) -> (Child, Held) {
        let (first, rest) = self.stages().split_first().unwrap();
        let mut held = database.hold(first.hold);
        let child = start();
        database.until(first.seen);
        for stage in rest {
            let previous = std::mem::replace(&mut held, database.hold(stage.hold));
            previous.commit();
            database.until(stage.seen);
        }
        (child, held)
    }
}

/// What befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The tool is killed; its backend goes on.
    Kill,
    /// The tool is killed and its backend cancelled.
    KillAndCancel,
    /// The tool is killed and its backend ended.
    KillAndTerminate,
    /// Ctrl-C.
    Interrupt,
    /// What service managers send.
    Term,
    /// Somebody cancels the statement.
    Cancel,
    /// Somebody ends the worker's backend.
    TerminateWorker,
    /// Somebody ends the control connection's backend.
    TerminateControl,
    /// Both.
    TerminateBoth,
}

impl Fault {
    /// Those that the tool does not survive.
    pub const DEADLY: [Fault; 3] = [Fault::Kill, Fault::KillAndCancel, Fault::KillAndTerminate];
    /// Those that it does.
    pub const SURVIVED: [Fault; 6] =
        [Fault::Interrupt, Fault::Term, Fault::Cancel, Fault::TerminateWorker, Fault::TerminateControl, Fault::TerminateBoth];

    fn strike(self, database: &Database, child: &mut Child) {
        let whom =
            |which: &str| format!("from pg_stat_activity where datname = current_database() and application_name like 'advisor/%' {which}");
        let worker = whom("and application_name like '%worker'");
        let control = whom("and application_name not like '%worker'");
        if Fault::DEADLY.contains(&self) {
            signal(child, "KILL");
            child.wait().unwrap();
        }
        match self {
            Fault::Kill => {}
            Fault::Interrupt => signal(child, "INT"),
            Fault::Term => signal(child, "TERM"),
            Fault::KillAndCancel | Fault::Cancel => database.sql(&format!("select pg_cancel_backend(pid) {worker}")),
            Fault::KillAndTerminate | Fault::TerminateWorker => database.sql(&format!("select pg_terminate_backend(pid) {worker}")),
            Fault::TerminateControl => database.sql(&format!("select pg_terminate_backend(pid) {control}")),
            Fault::TerminateBoth => database.sql(&format!("select pg_terminate_backend(pid) {}", whom(""))),
        }
    }

    /// True when the backend that was held stops working.
    fn stops_the_backend(self) -> bool {
        !matches!(self, Fault::Kill | Fault::TerminateControl)
    }

    /// Exit codes that tell the truth about it; -1 is a death by signal. 0 also where the work was done before the fault arrived.
    fn codes(self) -> &'static [i32] {
        match self {
            _ if Fault::DEADLY.contains(&self) => &[-1],
            Fault::Interrupt | Fault::Term => &[130],
            Fault::Cancel => &[5, 6],
            Fault::TerminateWorker | Fault::TerminateControl | Fault::TerminateBoth => &[0, 5, 6],
            _ => &[],
        }
    }
}

/// What is run after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Once more.
    Apply,
    /// Back.
    Rollback,
}

/// When the session that holds the work lets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Before the next command starts.
    Before,
    /// While it runs; of a tool that lives on, as soon as the fault has struck.
    During,
}

/// One case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub work: Work,
    pub pin: Pin,
    pub fault: Fault,
    pub release: Release,
    pub next: Next,
}

/// All combinations that make sense of these works and faults.
pub fn matrix(works: &[Work], faults: &[Fault], releases: &[Release]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &work in works {
        let pins: &[Pin] = if work.builds() { &Pin::OF_BUILDS } else { &Pin::OF_DROPS };
        for &pin in pins {
            for &fault in faults {
                for &release in releases {
                    cases.extend([Next::Apply, Next::Rollback].map(|next| Case { work, pin, fault, release, next }));
                }
            }
        }
    }
    cases
}

/// Runs cases on the shared server.
pub fn all(cases: &[Case]) {
    let server = Scratch::start();
    each(cases, |case| case.run(&server));
}

/// Three at a time: they mostly wait. Every one is run, however many fail.
pub fn each<T: Debug + Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if catch_unwind(AssertUnwindSafe(|| run(case))).is_err() {
                failed.lock().unwrap().push(format!("{case:?}"));
            }
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} cases failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// A name for a database that no other case has.
pub fn fresh() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("case_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The end of a command that must end.
pub fn finish(mut child: Child) -> (i32, String) {
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs: {}", answer(child.wait_with_output().unwrap()).1);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    answer(child.wait_with_output().unwrap())
}

/// apply fails with these words and leaves nothing; rollback has nothing to do; once cured, it goes through.
pub fn failed_and_left_nothing(bench: &Bench, said: &str, cure: impl FnOnce()) {
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 5 && text.contains(said), "{said}: {code} {text}");
    assert_eq!(bench.states(), ["failed"], "{said}");
    assert_eq!(bench.database.catalog(), before, "{said}");
    bench.is_clean();
    cure();
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "{said}, cured: {text}");
    bench.is_clean();
    let (code, text) = bench.rollback();
    assert_eq!(code, 0, "{said}, taken back: {text}");
    assert_eq!(bench.database.catalog(), before, "{said}, taken back");
}

impl Work {
    /// True when its statement is CREATE INDEX.
    pub fn builds(self) -> bool {
        matches!(self, Work::Build | Work::Undrop)
    }

    /// True when the index is there before anything.
    fn drops_first(self) -> bool {
        matches!(self, Work::Drop | Work::Undrop)
    }

    /// A database in which this work is to be done next.
    pub fn trial(self, server: &Scratch) -> Trial {
        self.trial_via(server, None)
    }

    /// The same; the advisor is to reach the server through a proxy.
    pub fn trial_via(self, server: &Scratch, proxy: Option<&Proxy>) -> Trial {
        let advice = if self.drops_first() { drop_of("t_gate") } else { on_t("t_gate", KeySpec::expression("public.gate(a)")) };
        let mut bench = Bench::new(server, &fresh(), vec![advice]);
        bench.database.address = proxy.map(|p| format!("host=127.0.0.1 port={} dbname={} user=postgres", p.port, bench.database.name));
        bench.database.sql(GATE);
        let without = bench.database.catalog();
        bench.database.sql("create index t_gate on t (public.gate(a))");
        let with = bench.database.catalog();
        let (before, after) = if self.drops_first() { (with, without) } else { (without, with) };
        if !self.drops_first() {
            bench.database.sql("drop index t_gate");
        }
        let first = if matches!(self, Work::Build | Work::Drop) { Next::Apply } else { Next::Rollback };
        let trial = Trial { bench, before, after, first };
        if first == Next::Rollback {
            let (code, text) = finish(trial.start(Next::Apply));
            assert_eq!(code, 0, "{self:?}: {text}");
        }
        trial
    }
}

/// A database with the catalogs of both ends.
pub struct Trial {
    pub bench: Bench,
    before: Vec<String>,
    after: Vec<String>,
    /// The command that does the work.
    pub first: Next,
}

impl Trial {
    /// A command that ends by itself.
    pub fn command(&self, next: Next, more: &[&str]) -> Command {
        let arguments: &[&str] = match next {
            Next::Apply => &["apply", self.bench.report(), "--drops", "--yes"],
            Next::Rollback => &["rollback", "--all", "--yes"],
        };
        self.bench.command(&[arguments, more].concat())
    }

    pub fn start(&self, next: Next) -> Child {
        self.command(next, &[]).spawn().unwrap()
    }

    /// The catalog that it leads to.
    pub fn goal(&self, next: Next) -> &[String] {
        if next == Next::Apply { &self.after } else { &self.before }
    }

    /// What the first run said of itself is true, and one of these codes.
    pub fn was_honest(&self, what: &str, codes: &[i32], (code, text): &(i32, String)) {
        assert!(codes.contains(code), "{what}: {code} {text}");
        let origin = if self.first == Next::Apply { Next::Rollback } else { Next::Apply };
        match code {
            0 => assert_eq!(self.bench.database.catalog(), self.goal(self.first), "{what}: {text}"),
            5 => assert_eq!(self.bench.database.catalog(), self.goal(origin), "{what}: {text}"),
            _ => {}
        }
    }

    /// The next command reached its goal and left nothing, and a second run of it changes nothing.
    pub fn ends_well(&self, what: &str, next: Next, (code, text): (i32, String)) {
        let database = &self.bench.database;
        let ledger = || match database.rows("select to_regclass('advisor.ledger')").concat().is_empty() {
            true => Vec::new(),
            false => database.rows("select l::text from advisor.ledger as l order by l.id"),
        };
        assert_eq!(code, 0, "{what}: {text}");
        assert_eq!(self.bench.database.catalog(), self.goal(next), "{what}: {text}");
        self.bench.is_clean();
        let written = ledger();
        let (code, text) = finish(self.start(next));
        assert_eq!((code, ledger()), (0, written), "{what}, a second time: {text}");
        assert_eq!(self.bench.database.catalog(), self.goal(next), "{what}, a second time: {text}");
        self.bench.is_clean();
    }
}

impl Case {
    fn run(&self, server: &Scratch) {
        let what = format!("{self:?}");
        let trial = self.work.trial(server);
        let database = &trial.bench.database;
        let (mut child, held) = self.pin.catch(database, || trial.start(trial.first));
        let working = database.rows(WORKING).concat();
        self.fault.strike(database, &mut child);
        if self.fault.stops_the_backend() {
            database.until(&format!("select 1 where '{working}' <> coalesce(({WORKING}), '')"));
        }
        let early = self.release == Release::Before || !Fault::DEADLY.contains(&self.fault);
        let held = if early {
            held.commit();
            None
        } else {
            Some(held)
        };
        trial.was_honest(&what, self.fault.codes(), &finish(child));
        let next = trial.start(self.next);
        if let Some(held) = held {
            std::thread::sleep(Duration::from_millis(500));
            held.commit();
        }
        trial.ends_well(&what, self.next, finish(next));
        server.drop_database(&database.name);
    }
}

/// What the worker does now, to see when it has stopped doing it.
const WORKING: &str = "select min(pid || ' ' || query_start) from pg_stat_activity
  where datname = current_database() and application_name like '%worker' and state = 'active'";
