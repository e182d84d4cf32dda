//! What preflight found, in words.

use crate::apply::preflight::obstacles::Effect;
use crate::apply::preflight::remarks::{LARGEST_KEY, Remark};
use crate::apply::preflight::space::{self, Room};
use crate::model::ddl::IndexName;
use crate::model::ledger::ServerState;
use crate::model::preflight::{Cost, Directness, Obstacle, Premises, Work};
use crate::model::text::{ellipsis, one_line, quote_ident, quote_literal, squeeze};
use crate::report::units::{bytes, count, duration, plural};
use schemars::JsonSchema;
use serde::Serialize;

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fact {
    /// What it is about: `size`, `time`, `waits for`…
    pub topic: &'static str,
    /// The fact in words.
    pub text: String,
}

fn fact(topic: &'static str, text: impl Into<String>) -> Fact {
    Fact { topic, text: text.into() }
}

/// So many of those whom a change waits for are named with each reason.
const NAMED: usize = 3;
/// Characters of a query.
const QUERY: usize = 120;

/// What holds for all changes. With builds among them, `free` says what is free, as far as that is known.
pub(super) fn of_server(server: &ServerState, premises: &Premises, free: Option<Option<f64>>) -> Vec<Fact> {
    let direct = match premises.direct {
        Directness::Proven => "direct, proven: the announced process id is the backend's",
        Directness::NotProven => {
            "not proven to be direct: no process id was announced, though the backend stays the same beside another connection"
        }
    };
    let mut facts = vec![fact("connection", direct)];
    if let Some(free) = free {
        let workers = match premises.workers {
            ..1 => "no parallel workers".to_owned(),
            n => format!("up to {}", plural(n.unsigned_abs() as usize, "parallel worker", "parallel workers")),
        };
        facts.push(fact("build with", format!("{} of maintenance_work_mem, {workers}", bytes(premises.work_mem_bytes as f64))));
        facts.push(fact("free space", free_space(premises, free)));
    }
    facts.extend(replication(premises));
    if !premises.sees_others {
        let role = quote_ident(&server.role);
        facts.push(fact(
            "unseen",
            one_line(&format!("what other roles do: GRANT pg_read_all_stats TO {role} shows whom a build would wait for")),
        ));
    }
    facts
}

fn free_space(premises: &Premises, free: Option<f64>) -> String {
    match free {
        Some(free) if premises.data.told => format!("{}, as told by --free-bytes", bytes(free)),
        Some(free) => format!("{} where the data directory is", bytes(free)),
        None => "unknown: a server does not tell; --free-bytes SIZE says it".to_owned(),
    }
}

fn replication(premises: &Premises) -> Vec<Fact> {
    let mut facts = Vec::new();
    if premises.standbys > 0 {
        let standbys = plural(usize::try_from(premises.standbys).unwrap_or_default(), "standby", "standbys");
        let lag = match (premises.lag_bytes, premises.lag_seconds) {
            (None, _) => "how far behind is not ours to see".to_owned(),
            (Some(..=0), _) => "not behind".to_owned(),
            (Some(lag), None) => format!("at most {} behind", bytes(lag as f64)),
            (Some(lag), Some(seconds)) => format!("at most {} ({}) behind", bytes(lag as f64), duration(seconds * 1000.0)),
        };
        facts.push(fact("replication", format!("{standbys}, {lag}; a build's WAL comes at once, --max-replication-lag stops it")));
    }
    if let Some(first) = premises.idle_slots.first() {
        let more = if premises.idle_slots.len() > 1 { format!(" and {} more", premises.idle_slots.len() - 1) } else { String::new() };
        let kept = premises.kept_bytes.filter(|b| *b > 0).map(|b| format!(" {}", bytes(b as f64))).unwrap_or_default();
        let text = format!("nobody reads replication slot {}{more}: it keeps{kept} WAL, and a build's WAL on top", one_line(first));
        facts.push(fact("slots", text));
    }
    facts
}

/// What a build costs, and whether there is room.
pub(super) fn of_cost(cost: &Cost, room: &Room, premises: &Premises) -> Vec<Fact> {
    let size = cost.size_bytes.map_or_else(|| "unknown".to_owned(), |size| format!("about {}", bytes(size)));
    let table = cost.table_bytes.map(|table| match cost.rows {
        Some(rows) => format!("; its table has {} and {} rows", bytes(table), count(rows)),
        None => format!("; its table has {}", bytes(table)),
    });
    let mut facts = vec![fact("size", size + &table.unwrap_or_default())];
    let time = cost.seconds.map_or_else(|| "unknown".to_owned(), |(fast, slow)| format!("{}, if it waits for nobody", between(fast, slow)));
    facts.push(fact("time", time));
    if let Some(extra) = extra(cost, premises) {
        facts.push(fact("also takes", extra));
    }
    facts.extend(of_room(room));
    facts
}

/// `0.2–1.5 s`, `40 s to 6 min`.
fn between(fast: f64, slow: f64) -> String {
    if slow < 1.0 {
        return "less than a second".to_owned();
    }
    if slow < 60.0 {
        return format!("{:.1}–{slow:.1} s", fast.max(0.1));
    }
    let (fast, slow) = (duration(fast.max(1.0) * 1000.0), duration(slow * 1000.0));
    match (fast.rsplit_once(' '), slow.rsplit_once(' ')) {
        (Some((low, a)), Some((_, b))) if a == b => format!("{low}–{slow}"),
        _ => format!("{fast} to {slow}"),
    }
}

fn extra(cost: &Cost, premises: &Premises) -> Option<String> {
    let temp = cost.temp_bytes.filter(|b| *b > 0.0).map(|b| format!("{} of temporary files", bytes(b)));
    let kept = if space::keeps_wal(premises) { ", which stays" } else { "" };
    let wal = cost.wal_bytes.filter(|b| *b > 0.0).map(|b| format!("{} of WAL{kept}", bytes(b)));
    let parts: Vec<String> = temp.into_iter().chain(wal).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn of_room(room: &Room) -> Option<Fact> {
    match room {
        Room::Tight(place, need, free) => {
            Some(fact("space", format!("tight: up to {} are needed in {}, {} are left", bytes(*need), one_line(place), bytes(*free))))
        }
        _ => None,
    }
}

/// Why a build is refused for want of room.
pub(super) fn no_room(room: &Room) -> Option<String> {
    match room {
        Room::None(place, size, free) => {
            Some(format!("it does not fit: the index takes about {}, {} has {} left", bytes(*size), one_line(place), bytes(*free)))
        }
        _ => None,
    }
}

/// Whom one change would wait for, a line for each reason; who they are stands elsewhere, once.
pub(super) fn of_waits(waits: &[(Effect, Obstacle)]) -> Vec<Fact> {
    let of = |effect: Effect| waits.iter().filter(move |(e, _)| *e == effect).map(|(_, who)| short_name(who)).collect::<Vec<_>>();
    let line = |effect: Effect| {
        let mut names = of(effect);
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        names.extend((more > 0).then(|| format!("{more} more")));
        let (until, why) = reason(effect);
        (!names.is_empty()).then(|| fact("waits for", format!("{} ({why}) {until}", names.join(", "))))
    };
    [Effect::Begin, Effect::Read, Effect::Valid, Effect::Gone].into_iter().filter_map(line).collect()
}

/// What has to wait, and why.
fn reason(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Begin => ("to begin", "whose lock admits no other"),
        Effect::Read => ("to read the table", "which wrote to it"),
        Effect::Valid => ("to become valid", "which holds a snapshot"),
        Effect::Gone => ("to go", "which uses the table"),
    }
}

fn short_name(who: &Obstacle) -> String {
    match &who.gid {
        Some(gid) => one_line(&format!("prepared transaction {}", quote_literal(gid))),
        None => format!("process {}", who.pid),
    }
}

/// Somebody in the way.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InTheWay {
    /// Process id; 0 for a prepared transaction.
    pub pid: i32,
    /// Name of the prepared transaction.
    pub gid: Option<String>,
    /// Who it is and what it does, in words.
    pub who: String,
    /// Age of its transaction.
    pub seconds: f64,
    /// What it runs or ran last, without constants; null where hidden.
    pub query: Option<String>,
    /// How it ends.
    pub cure: String,
}

/// All of them, each once.
pub(super) fn in_the_way<'a>(waits: impl Iterator<Item = &'a (Effect, Obstacle)>) -> Vec<InTheWay> {
    let mut all: Vec<InTheWay> = Vec::new();
    for (_, who) in waits {
        if !all.iter().any(|known| (known.pid, &known.gid) == (who.pid, &who.gid)) {
            all.push(InTheWay {
                pid: who.pid,
                gid: who.gid.as_deref().map(one_line),
                who: name(who),
                seconds: who.seconds,
                query: (!who.query.is_empty()).then(|| says(who)),
                cure: cure(who),
            });
        }
    }
    all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    all
}

fn says(who: &Obstacle) -> String {
    let verb = if who.state == "active" { "runs" } else { "ran last" };
    format!("{verb}: {}", ellipsis(&who.query, QUERY))
}

/// `process 42 "etl" of role app, idle in transaction for 4 min`.
fn name(who: &Obstacle) -> String {
    let age = duration(who.seconds * 1000.0);
    if let Some(gid) = &who.gid {
        return one_line(&format!("prepared transaction {} of role {}, for {age}", quote_literal(gid), who.role));
    }
    let what = match who.work {
        Work::Wraparound => "autovacuum against wraparound",
        Work::Vacuum => "vacuum",
        Work::Analyze => "analyze",
        Work::Build => "another index build",
        Work::Transaction if who.state.is_empty() => "busy",
        Work::Transaction => &who.state,
    };
    let application = if who.application.is_empty() { String::new() } else { format!(" \"{}\"", who.application) };
    let role = if who.role.is_empty() { String::new() } else { format!(" of role {}", who.role) };
    squeeze(&format!("process {}{application}{role}, {what} for {age}", who.pid))
}

fn cure(who: &Obstacle) -> String {
    match (&who.gid, who.work) {
        (Some(gid), _) => {
            let gid = one_line(&quote_literal(gid));
            format!("it ends by no timeout, only by COMMIT PREPARED {gid} or ROLLBACK PREPARED {gid}")
        }
        (None, Work::Wraparound) => "it does not make way: let it finish, or run VACUUM (FREEZE) on the table first".to_owned(),
        (None, Work::Vacuum | Work::Analyze) if who.role.is_empty() => "autovacuum makes way by itself".to_owned(),
        (None, Work::Build) => "it is waited for: two builds on one table would deadlock".to_owned(),
        _ => format!("to end it: select pg_terminate_backend({})", who.pid),
    }
}

/// A remark in words.
///
/// `entry_of` knows which INVALID index is ours, by the entry of the ledger.
pub(super) fn of_remark(remark: &Remark, entry_of: &dyn Fn(&IndexName) -> Option<String>) -> Fact {
    match remark {
        Remark::CoveredBy(index) => fact("covered by", format!("{index}: it begins with the same columns and can serve the same queries")),
        Remark::Leftover(index, same) => {
            let what = if *same { "is what this build would make" } else { "serves no query" };
            let (whose, cure) = match entry_of(index) {
                Some(id) => (format!("by a run of apply (entry {id})"), format!("advisor rollback {id} clears it away")),
                None => ("by a failed build".to_owned(), index.drop_sql()),
            };
            fact("leftover", one_line(&format!("{index} is INVALID, left {whose}, and {what}: {cure}")))
        }
        Remark::WraparoundDue(age, limit) => {
            let text = format!(
                "its oldest row is {} transactions old, and from {} on VACUUM against wraparound comes, which makes way for nobody: \
                 run VACUUM (FREEZE) first",
                count(*age as f64),
                count(*limit as f64)
            );
            fact("vacuum due", text)
        }
        Remark::WideKey(columns, width) => {
            let columns = columns.iter().map(|c| one_line(c)).collect::<Vec<_>>().join(", ");
            let mean = if *width > 0.0 { format!(" ({} on average)", bytes(*width)) } else { String::new() };
            fact("large values", format!("{columns}{mean}: one above {LARGEST_KEY} bytes ends the build; md5() or a prefix indexes those"))
        }
        Remark::NeverAnalyzed => fact("statistics", "none: the table was never analyzed; ANALYZE tells size and time"),
        Remark::TempLimit(need, limit) => {
            let text = format!("{} of temporary files may be needed, and temp_file_limit is {}", bytes(*need), bytes(*limit));
            fact("limit", text)
        }
        Remark::StaysGone => fact("rollback", "it is INVALID: rollback does not build it again"),
        Remark::ComesBack => fact("rollback", "the definition is kept: rollback builds it again"),
        Remark::CancelsOnStandbys(n) => {
            let standbys = plural(usize::try_from(*n).unwrap_or_default(), "standby", "standbys");
            fact("standbys", format!("queries that read it on {standbys} may be cancelled when the drop arrives there"))
        }
    }
}
