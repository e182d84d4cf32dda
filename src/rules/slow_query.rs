//! `slow-query`: a mean execution time that a person notices.

use super::context::{Evidences, about_query};
use super::words::{duration, label, short};
use super::{Context, Rule, Threshold};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;

pub(super) static ENTRY: Rule = Rule {
    name: "slow-query",
    summary: "A query whose mean execution time a person notices",
    thresholds: &[
        Threshold { key: "info_ms", default: 500.0, meaning: "mean execution time for info, ms" },
        Threshold { key: "warning_ms", default: 1000.0, meaning: "mean execution time for warning, ms" },
        Threshold { key: "error_ms", default: 3000.0, meaning: "mean execution time for error, ms" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("slow_query/doc.md"),
    fires_sql: include_str!("slow_query/fires.sql"),
    quiet_sql: include_str!("slow_query/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let levels = [("error_ms", Severity::Error), ("warning_ms", Severity::Warning), ("info_ms", Severity::Info)];
    let mut findings = Vec::new();
    for (query, figures) in context.measured() {
        let mean = figures.mean_ms();
        let Some((_, severity)) = levels.iter().find(|(key, _)| mean >= context.threshold(key)) else { continue };
        let message = format!(
            "takes {} on average over {} {}, {} at worst: {}",
            duration(mean),
            short(figures.calls),
            if figures.calls == 1.0 { "call" } else { "calls" },
            duration(figures.max_ms),
            label(query)
        );
        let evidence = Evidences::new().with_figures(figures).with("max_ms", figures.max_ms).with("stddev_ms", figures.stddev_ms);
        let fix = Fix { text: "read its plan (`advisor explain`); the index advice says whether an index helps".into(), sql: None };
        findings.push(context.finding((*severity, Confidence::Confirmed), about_query(query), message, evidence, fix));
    }
    findings
}
