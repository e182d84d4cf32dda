//! Floor 2a: rules. Each reads the snapshot and reports findings; none does IO. A rule is one file
//! and one drawer: its page, a case that fires on a real server, the nearest innocent case.

mod context;
mod thresholds;
mod words;

pub use context::Context;
pub use thresholds::Thresholds;
pub use words::did_you_mean;

use crate::model::failure::Failure;
use crate::model::report::{Finding, NotJudged, Value};
use crate::model::snapshot::{Evidence, Gap, Snapshot};

/// A rule: all there is to know about it, as data.
pub struct Rule {
    /// Kebab-case name of the problem.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Its adjustable numbers.
    pub thresholds: &'static [Threshold],
    /// Evidence without which it cannot judge, or not all.
    pub needs: &'static [Evidence],
    /// Why it cannot judge this snapshot beyond the gaps, if so; it then reports nothing.
    pub unready: Option<fn(&Context) -> Option<String>>,
    /// Its page, Markdown.
    pub doc: &'static str,
    /// SQL that makes a server show the problem.
    pub fires_sql: &'static str,
    /// The nearest innocent thing.
    pub quiet_sql: &'static str,
    /// Looks for the problem.
    pub check: fn(&Context) -> Vec<Finding>,
}

/// An adjustable number of a rule.
#[derive(Debug)]
pub struct Threshold {
    /// Name, unit last.
    pub key: &'static str,
    /// Value when nobody sets it.
    pub default: f64,
    /// What it means.
    pub meaning: &'static str,
}

crate::registry! {
    /// Every rule, queries first.
    pub RULES: Rule = [
        n_plus_one,
        full_scan,
        slow_query,
        deep_offset,
        unbounded_result,
        select_star,
        sort_spill,
        missing_foreign_key_index,
        duplicate_index,
        redundant_index,
        unused_index,
        invalid_index,
        stale_statistics,
        idle_in_transaction,
    ]
}

/// What the rules say of a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgement {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Rules that could not judge, or not all; some of them may have findings too.
    pub not_judged: Vec<NotJudged>,
}

/// Runs every rule.
pub fn judge(snapshot: &Snapshot, thresholds: &Thresholds) -> Judgement {
    let mut judgement = Judgement::default();
    for rule in RULES {
        let context = Context::new(snapshot, thresholds, rule);
        let gaps = rule.needs.iter().filter_map(|need| gap(snapshot, *need));
        judgement.not_judged.extend(gaps.map(|gap| NotJudged {
            rule: rule.name.to_owned(),
            reason: gap.reason.clone(),
            fix_sql: gap.fix_sql.clone(),
        }));
        if snapshot.gaps.iter().any(|g| g.evidence == Evidence::Catalog) && rule.needs.contains(&Evidence::Catalog) {
            continue;
        }
        match rule.unready.and_then(|unready| unready(&context)) {
            Some(reason) => judgement.not_judged.push(NotJudged { rule: rule.name.to_owned(), reason, fix_sql: None }),
            None => judgement.findings.extend((rule.check)(&context)),
        }
    }
    // Two needs that one gap leaves open are one line.
    judgement.not_judged.dedup();
    judgement.findings.sort_by(|a, b| {
        let cost = |f: &Finding| cost_ms(f);
        let place = |f: &Finding| RULES.iter().position(|r| r.name == f.rule);
        let worst = b.severity.cmp(&a.severity).then(cost(b).total_cmp(&cost(a)));
        worst.then(place(a).cmp(&place(b))).then_with(|| a.subject.cmp(&b.subject))
    });
    judgement
}

/// The gap that keeps a need from being met. Plans need queries first: without any, what hides
/// the workload hides the plans.
fn gap(snapshot: &Snapshot, need: Evidence) -> Option<&Gap> {
    let of = |evidence| snapshot.gaps.iter().find(|g| g.evidence == evidence);
    of(need).or_else(|| of(Evidence::Workload).filter(|_| need == Evidence::Plans && snapshot.workload.is_empty()))
}

/// Time that a finding costs in the window, ms: what makes one worse than another of its severity.
fn cost_ms(finding: &Finding) -> f64 {
    let of = |key: &str| match finding.evidence.get(key) {
        Some(Value::Number(ms)) => *ms,
        _ => 0.0,
    };
    of("total_ms").max(of("round_trips_ms"))
}

/// A rule by name; the failure offers the nearest one.
pub fn find(name: &str) -> Result<&'static Rule, Failure> {
    if let Some(rule) = RULES.iter().find(|r| r.name == name) {
        return Ok(rule);
    }
    let failure = Failure::usage(format!("no rule is called `{}`", crate::model::text::one_line(name)));
    Err(match did_you_mean(name, RULES.iter().map(|r| r.name)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`advisor rule --list` lists all rules"),
    })
}

impl Rule {
    /// The rule's page: its text, its thresholds, the case that fires.
    pub fn page(&self) -> String {
        let mut page = self.doc.trim_end().to_owned();
        if !self.thresholds.is_empty() {
            page.push_str("\n\n## Thresholds\n\n| `--set` | default | meaning |\n|---|---|---|\n");
            for t in self.thresholds {
                page.push_str(&format!("| `{}.{}` | {} | {} |\n", self.name, t.key, t.default, t.meaning));
            }
        }
        page.push_str(&format!("\n## A case that fires\n\n```sql\n{}\n```\n", self.fires_sql.trim()));
        page.push_str(&format!("\n## A case that does not\n\n```sql\n{}\n```\n", self.quiet_sql.trim()));
        page
    }
}

#[cfg(test)]
mod tests;
