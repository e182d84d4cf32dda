use super::*;
use crate::model::report::*;
use crate::model::snapshot::{Problem, Server, Window};
use std::collections::BTreeMap;

const HOSTILE: &str = "x\n; drop table t; --\u{1b}[2J\u{202e}\r";

/// A report in which every text comes from `text`.
fn report_of(text: &str) -> Report {
    let s = || text.to_owned();
    let finding = |severity, n: f64| Finding {
        rule: s(),
        severity,
        confidence: Confidence::Suspected,
        subject: Subject { schema: Some(s()), table: Some(s()), index: Some(s()), query: Some(s()) },
        message: s(),
        evidence: BTreeMap::from([("total_ms".into(), Value::Number(n)), (s(), Value::Number(n)), ("note".into(), Value::Text(s()))]),
        fix: Fix { text: s(), sql: Some(s()) },
        fingerprint: s(),
    };
    let execution = || vec![Execution { asks_for: s(), share: 0.4 }];
    let index = |action| AdvisedIndex {
        id: s(),
        action,
        name: s(),
        schema: s(),
        table: s(),
        ddl: format!("CREATE INDEX CONCURRENTLY \"{text}\" ON \"{text}\" USING btree (\"{text}\")"),
        undo: vec![s()],
        size_bytes: Some(1_258_291.0),
        least_size_bytes: Some(524_288.0),
        write_cost: 12.0,
        queries: vec![ServedQuery {
            fingerprint: s(),
            cost_before: 8420.0,
            cost_after: 12.0,
            share_before: 0.8,
            share_after: 0.1,
            used_for: execution(),
            not_used_for: execution(),
            partial_may_do: true,
        }],
        benefit: 620.0,
        reason: s(),
        replaces: vec![s()],
        partitioned: true,
        owner: Some(s()),
        entries_per_second: Some(12.5),
        wal_bytes_per_second: Some(2048.0),
        build_seconds: Some((2.0, 9.0)),
        confidence: Proof::Generic,
    };
    Report {
        schema_version: REPORT_VERSION,
        advisor_version: s(),
        server: Some(Server { version_num: 150_008, version: s(), database: s(), is_standby: true }),
        window: Some(Window { from: s(), to: s(), seconds: 1_728_000.0 }),
        queries: vec![ReportQuery {
            fingerprint: s(),
            text: s(),
            source: crate::model::query::QuerySource::PgStatStatements,
            calls: Some(12_300.0),
            total_ms: Some(3400.0),
            mean_ms: Some(0.28),
            rows: Some(24_600.0),
        }],
        findings: vec![finding(Severity::Error, 3400.0), finding(Severity::Warning, 1.0), finding(Severity::Info, 2.0)],
        recommendation: Recommendation {
            fidelity: None,
            what_if: WhatIf::Clone,
            optimizer_calls: 42,
            cost_before: Some(1000.0),
            cost_after: Some(130.0),
            indexes: vec![index(Action::Create), index(Action::Drop)],
            size_bytes: Some(2_500_000.0),
            budget_bytes: Some(4_000_000.0),
            gap: Some(0.012),
            looked_at: Some(0.993),
            frontier: vec![FrontierPoint { budget_bytes: Some(1e6), size_bytes: 9e5, cost_after: 400.0, ddl: vec![s()] }],
            statistics: vec![AdvisedStatistics {
                id: s(),
                name: s(),
                schema: s(),
                table: s(),
                ddl: s(),
                then: s(),
                undo: vec![s()],
                estimated_rows: 3.0,
                actual_rows: 900.0,
                queries: vec![s()],
                reason: s(),
            }],
            why: vec![WhyNot {
                asked: s(),
                ddl: Some(s()),
                reason_code: s(),
                reason: s(),
                cost_with_advice: Some(130.0),
                cost_with_it: Some(129.0),
                cost_with_it_alone: Some(700.0),
                write_cost: 3.0,
                size_bytes: Some(9000.0),
                least_size_bytes: None,
                queries: vec![ServedQuery { fingerprint: s(), cost_before: 9.0, cost_after: 3.0, ..ServedQuery::default() }],
                used_by: vec![s()],
            }],
            rejected: vec![
                Rejected { ddl: s(), reason_code: "not_used".into(), reason: s() },
                Rejected { ddl: s(), reason_code: s(), reason: s() },
            ],
        },
        not_judged: vec![NotJudged { rule: s(), reason: s(), fix_sql: Some(s()) }],
        problems: vec![Problem { source: s(), message: s() }],
    }
}

fn text(report: &Report, style: Style) -> String {
    anstream::adapter::strip_str(&(format("text").expect("text").render)(report, &style)).to_string()
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    for verbose in [false, true] {
        for width in [20, 50, 100, 1000] {
            let coloured = (format("text").expect("text").render)(&report_of(HOSTILE), &Style { width, verbose });
            let plain = anstream::adapter::strip_str(&coloured).to_string();
            let bad: Vec<char> = plain.chars().filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}').collect();
            assert!(bad.is_empty(), "{bad:?}");
            // A name cannot begin a line of its own either, unless it is wrapped.
            assert!(width < 1000 || !plain.lines().any(|l| l.trim_start().starts_with("; drop")), "{plain}");
            // All escapes are colours: ESC [ digits m.
            for code in coloured.split('\u{1b}').skip(1) {
                let end = code.trim_start_matches('[').trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
                assert!(code.starts_with('[') && end.starts_with('m'), "{code:?}");
            }
        }
    }
}

#[test]
fn the_summary_says_how_bad_what_to_do_and_what_it_gains() {
    let wide = text(&report_of("messages"), Style { width: 200, verbose: false });
    let page = text(&report_of("messages"), Style::default());
    let first: Vec<&str> = page.lines().collect();
    assert!(first[0].contains("messages on PostgreSQL messages, a standby · statistics of 20 d, since"), "{page}");
    assert_eq!(first[2], "1 error, 1 warning, 1 note · 1 index to create, 1 to drop");
    assert_eq!(first[3], "workload cost −87 % for at most 2.4 MB and 12.5 entries/s · 1 rule not judged");
    assert!(first[4].contains("worst") && first[6].contains("create messages (for 1 query, workload cost −62 %)"), "{page}");
    for part in [
        "8.4k → 12",
        "512 kB–1.2 MB",
        "3.4 s",
        "12.3k",
        "error[messages]",
        "fix: messages",
        "Considered and refused: 2",
        "at most 1.2 % from the best possible set",
        "budget 4 MB",
        "build: 2 s to 9 s; proved with generic plans only",
        "workload cost 1k today, 130 (−87 %) with the advice, 129 (−87 %) with both, 700 (−30 %) with it alone; its writes would cost 3",
        "the planner expects 3 rows, and there are 900",
        "--verbose lists",
        "Not judged",
    ] {
        assert!(wide.contains(part), "{part} is missing in\n{wide}");
    }
}

#[test]
fn an_empty_report_is_short_and_says_so() {
    let page = text(&Report::default(), Style::default());
    assert!(page.contains("nothing found"), "{page}");
    assert!(page.lines().count() < 5, "{page}");
}

#[test]
fn every_finding_has_at_least_a_line() {
    let mut report = report_of("t");
    report.findings = (0..40).map(|_| report.findings[1].clone()).collect();
    let page = text(&report, Style::default());
    assert_eq!(page.matches("also").count(), 38, "{page}");
    assert!(!text(&report, Style { verbose: true, ..Style::default() }).contains("    also "));
}

#[test]
fn lines_keep_to_the_width() {
    use unicode_width::UnicodeWidthStr;
    let mut report = report_of(&"lorem ipsum dolor ".repeat(6));
    // SQL is never folded: it is there to be copied.
    report.findings.iter_mut().for_each(|f| f.fix.sql = None);
    report.not_judged.iter_mut().for_each(|n| n.fix_sql = None);
    report.recommendation.statistics.iter_mut().for_each(|s| (s.ddl, s.then) = ("CREATE".into(), "ANALYZE".into()));
    for width in [60, 100, 160] {
        let page = text(&report, Style { width, verbose: false });
        let long: Vec<&str> = page.lines().skip(1).filter(|l| l.width() > width + 8).collect();
        assert!(long.is_empty(), "{width}: {long:#?}");
    }
}

#[test]
fn json_fits_its_own_schema() {
    let schema = schema::<Report>("Report");
    let validator = jsonschema::draft202012::new(&schema).expect("a valid schema");
    for report in [Report::default(), report_of("t"), report_of(HOSTILE)] {
        let json = (format("json").expect("json").render)(&report, &Style::default());
        assert!(json.ends_with("}\n"));
        let value: serde_json::Value = serde_json::from_str(&json).expect("json");
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(serde_json::from_value::<Report>(value).expect("the same types"), report);
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema_version": "one"})), "the schema refuses something");
}

#[test]
fn formats_are_found_by_name() {
    assert_eq!(FORMATS.iter().map(|f| f.name).collect::<Vec<_>>(), ["text", "json"]);
    assert!(format("xml").is_none());
}

/// A page as a whole. `ADVISOR_BLESS=1` writes it anew; read the difference before committing it.
#[test]
fn the_page_looks_as_agreed() {
    let report: Report = serde_json::from_str(include_str!("../../fixtures/report/social.json")).expect("a report");
    let page = text(&report, Style::default());
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/report/social.txt");
    if std::env::var_os("ADVISOR_BLESS").is_some() {
        std::fs::write(&golden, &page).expect("written");
    }
    assert_eq!(page, std::fs::read_to_string(&golden).unwrap_or_default(), "ADVISOR_BLESS=1 cargo test page_looks writes it anew");
}
