//! `idle-in-transaction`: sessions that hold a transaction open and do nothing.

use super::context::Evidences;
use super::words::duration;
use super::{Context, Rule, Threshold};
use crate::model::report::{Confidence, Finding, Fix, Severity, Subject};
use crate::model::snapshot::{Evidence, SessionActivity};
use crate::model::text::{one_line, quote_ident};

pub(super) static ENTRY: Rule = Rule {
    name: "idle-in-transaction",
    summary: "Sessions that hold a transaction open and do nothing",
    thresholds: &[
        Threshold { key: "warning_seconds", default: 60.0, meaning: "seconds idle for warning" },
        Threshold { key: "error_seconds", default: 600.0, meaning: "seconds idle for error" },
    ],
    needs: &[Evidence::Sessions],
    unready: None,
    doc: include_str!("idle_in_transaction/doc.md"),
    fires_sql: include_str!("idle_in_transaction/fires.sql"),
    quiet_sql: include_str!("idle_in_transaction/quiet.sql"),
    check,
};

/// One finding for all of them: sessions come and go, the problem stays.
fn check(context: &Context) -> Vec<Finding> {
    let idle = |s: &&SessionActivity| s.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"));
    let limit = context.threshold("warning_seconds");
    let seconds = |s: &SessionActivity| s.state_seconds.unwrap_or(0.0);
    let mut sessions: Vec<&SessionActivity> = context.snapshot.sessions.iter().filter(idle).filter(|s| seconds(s) > limit).collect();
    sessions.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)).then(a.pid.cmp(&b.pid)));
    let Some(longest) = sessions.first() else { return Vec::new() };
    let holding = sessions.iter().filter(|s| s.holds_snapshot).count();
    let severity = if seconds(longest) > context.threshold("error_seconds") { Severity::Error } else { Severity::Warning };
    let role = one_line(longest.role.as_deref().unwrap_or("unknown"));
    let application = one_line(longest.application.as_deref().unwrap_or(""));
    let message = format!(
        "{} session(s) idle in a transaction, the longest for {} (role {role}, application `{application}`){}",
        sessions.len(),
        duration(seconds(longest) * 1000.0),
        if holding > 0 { format!("; {holding} of them keep vacuum from removing dead rows") } else { String::new() }
    );
    let evidence = Evidences::new()
        .with("sessions", sessions.len() as f64)
        .with("longest_seconds", seconds(longest))
        .with("holding_snapshot", holding as f64)
        .with("pid", f64::from(longest.pid))
        .with("role", role)
        .with("application", application);
    let fix = Fix {
        text: "commit before calling other services; a timeout ends what forgets it".into(),
        sql: longest.role.as_ref().map(|r| format!("ALTER ROLE {} SET idle_in_transaction_session_timeout = '60s'", quote_ident(r))),
    };
    vec![context.finding((severity, Confidence::Confirmed), Subject::default(), message, evidence, fix)]
}
