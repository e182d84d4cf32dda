//! `advisor verify`: did the changes help?

use super::{Command, Outcome};
use crate::apply::revert::Revert;
use crate::apply::verdict::{Finding, Window};
use crate::cli::amounts;
use crate::cli::connection::ConnectionArgs;
use crate::cli::ledger::LedgerArgs;
use crate::cli::watch::WatchArgs;
use crate::flow::again::Again;
use crate::flow::verify::{Judged, Verification, VerifyOptions, take_back, verify};
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::Motion;
use crate::model::text::{ellipsis, one_line};
use crate::report::{fold, units};
use crate::term;
use clap::{ArgMatches, Args, FromArgMatches};
use std::time::Duration;

/// Most queries shown of one change.
const SHOWN: usize = 5;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Entries of the ledger; all that are in force without it
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only what was done since: a time (UTC) or a run
    #[arg(long, value_name = "TIME|RUN")]
    since: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Take back indexes that are proved useless or harmful once their window is over
    #[arg(long)]
    auto_revert: bool,
    /// Do not ask before taking back
    #[arg(long, short, requires = "auto_revert")]
    yes: bool,
    /// Calls of each query, before and since, that a verdict needs
    #[arg(long, value_name = "N", default_value_t = 30)]
    min_calls: u32,
    /// No verdict before this time after the change
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = amounts::duration)]
    min_window: Duration,
    /// After this time queries that did not run are not waited for
    #[arg(long, value_name = "TIME", default_value = "72h", value_parser = amounts::duration)]
    max_window: Duration,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: true,
    clap: || {
        Options::augment_args(clap::Command::new("verify"))
            .about("Say whether what apply did helped, by what the server counted before and since")
            .after_help(
                "Compares pg_stat_statements before each change with since: blocks per call first, then mean time; writes too. \
                 Undecided is a normal answer: it says what is missing and when to ask again.\n\
                 --auto-revert drops an index of ours again when its window is over and nothing uses it, or when the \
                 table's queries cost over 10 % more (100 calls on either side, blocks up too), or its writes take over \
                 20 % longer for a gain under 10 %. Never one that other queries have come to use, a UNIQUE or a \
                 partitioned one; a dropped index is not built again.\n\
                 Exit codes: 0 nothing is worse or unused, 1 something is, and was not taken back.",
            )
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let (min, max) = (options.min_window.as_secs_f64(), options.max_window.as_secs_f64());
    if min > max {
        return Err(Failure::usage("--min-window is longer than --max-window"));
    }
    let json = options.format == "json";
    let limits = options.watch.limits();
    let how = VerifyOptions {
        again: Again::new(options.connection.db.as_deref(), options.ledger.ledger.as_deref()),
        target: options.connection.db,
        ledger: options.ledger.ledger,
        ids: options.ids,
        since: options.since,
        window: Window { min_calls: f64::from(options.min_calls), min_seconds: min, max_seconds: max },
    };
    let mut verification = verify(&how).await?;
    if !json {
        term::print(&text(&verification, &how));
    }
    let taken = if options.auto_revert { take_back(&mut verification, &how, options.yes, &limits).await.map_err(|failure| how.again.complete(failure)) } else { Ok(()) };
    if json {
        let text = serde_json::to_string_pretty(&verification).map_err(|e| Failure::new(FailureKind::Bug, e.to_string()))?;
        term::print(&(text + "\n"));
    }
    taken?;
    let against = |j: &Judged| matches!(j.verdict.finding, Finding::Worse | Finding::Unused) && !j.reverted;
    Ok(u8::from(verification.entries.iter().any(against)))
}

fn text(verification: &Verification, how: &VerifyOptions) -> String {
    if verification.entries.is_empty() {
        return "Nothing to verify: no change of apply is in force.\n".into();
    }
    verification.entries.iter().map(|judged| entry(judged, how)).collect::<Vec<_>>().join("\n")
}

fn entry(judged: &Judged, how: &VerifyOptions) -> String {
    let index = TableName::new(&judged.schema, &judged.index);
    let done = if judged.motion == Motion::Drop { "dropped" } else { "built" };
    let age = if judged.seconds < 1.0 { "less than 1 s".to_owned() } else { units::duration(judged.seconds * 1000.0) };
    let id = one_line(&judged.id);
    let indent = id.len() + 2;
    let mut out = format!("{id}  {index}  {}  ({done} {age} ago)\n", judged.verdict.finding.name());
    let mut line = |text: &str| out.push_str(&format!("{:indent$}{}\n", "", fold(text, term::width(), indent)));
    judged.verdict.reasons.iter().for_each(|reason| line(reason));
    if let [Some(before), Some(since)] = judged.verdict.hot_share
        && (before - since).abs() > 0.05
    {
        line(&format!("HOT updates: {} before, {} since", units::percent(before), units::percent(since)));
    }
    queries(judged).iter().for_each(|query| line(query));
    let unplanned = judged.plans.iter().filter(|p| p.target && p.uses != Some(true));
    for plan in unplanned {
        let what = if plan.uses.is_none() { "could not be planned" } else { "does not use it" };
        line(&format!("{what}: {}", named(judged, &plan.fingerprint)));
    }
    judged.verdict.missing.iter().for_each(|missing| line(&format!("missing: {missing}")));
    if let Some(at) = &judged.ask_again_at {
        let at = at.replace('T', " ").replace('Z', " UTC");
        let last = judged.verdict.ask_again_after_seconds.is_some_and(|after| after >= how.window.max_seconds);
        let when = if last { format!("once that is there, or at the end of the window, {at}") } else { format!("after {at}") };
        line(&how.again.says(&format!("ask again {when}: advisor verify {id}")));
    }
    match &judged.revert {
        Revert::No => {}
        Revert::Yes(_) => line(&how.again.says(&format!("take it back: advisor rollback {id}, or advisor verify --auto-revert"))),
        Revert::NotAlone(why) => line(why),
    }
    out
}

/// What was counted of the queries that matter, the most time first.
fn queries(judged: &Judged) -> Vec<String> {
    let all = judged.verdict.queries.iter().filter(|q| q.before.calls > 0.0 && q.after.calls > 0.0);
    let targets: Vec<_> = all.clone().filter(|q| q.target || q.writes).collect();
    let shown = if targets.is_empty() { all.collect() } else { targets };
    let one = |q: &&crate::apply::delta::Delta| {
        let blocks = format!("{} → {} blocks", units::count(q.before.blocks_per_call), units::count(q.after.blocks_per_call));
        let time = format!("{} → {}", units::duration(q.before.mean_ms), units::duration(q.after.mean_ms));
        let calls = format!("{} calls before, {} since", units::count(q.before.calls), units::count(q.after.calls));
        format!("{}: {blocks}, {time} per call; {calls}", named(judged, &q.fingerprint))
    };
    shown.iter().take(SHOWN).map(one).collect()
}

fn named(judged: &Judged, fingerprint: &str) -> String {
    let text = judged.plans.iter().find(|p| p.fingerprint == fingerprint).map(|p| ellipsis(&one_line(&p.text), 50));
    text.map_or(format!("query {fingerprint}"), |text| format!("query {fingerprint} ({text})"))
}
