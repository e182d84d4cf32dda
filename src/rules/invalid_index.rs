//! `invalid-index`: what a failed concurrent build left behind.

use super::context::{Evidences, about_index};
use super::duplicate_index::drop_sql;
use super::{Context, Rule};
use crate::model::catalog::Index;
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;
use crate::model::text::{one_line, quote_qualified};

pub(super) static ENTRY: Rule = Rule {
    name: "invalid-index",
    summary: "An index that a failed concurrent build left behind: written or in the way, never read",
    thresholds: &[],
    needs: &[Evidence::Catalog],
    unready: None,
    doc: include_str!("invalid_index/doc.md"),
    fires_sql: include_str!("invalid_index/fires.sql"),
    quiet_sql: include_str!("invalid_index/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let indexes = context.catalog().indexes.iter();
    let left = indexes.filter(|i| (!i.valid || !i.live) && !i.building && context.advisable(&i.spec.table).is_some());
    left.map(|index| finding(context, index)).collect()
}

fn finding(context: &Context, index: &Index) -> Finding {
    let name = one_line(&index.name);
    let cost = if index.partitioned {
        "not every partition has its part of it"
    } else if index.ready {
        "every change of the table still writes it"
    } else {
        "it blocks its name"
    };
    let message = format!("{name} on {} is INVALID: no plan reads it, and {cost}", index.spec.table);
    let evidence = Evidences::new()
        .with("size_bytes", index.size_bytes as f64)
        .with("ready", if index.ready { "yes" } else { "no" })
        .with("live", if index.live { "yes" } else { "no" });
    let severity = if index.spec.unique { Severity::Error } else { Severity::Warning };
    context.finding((severity, Confidence::Confirmed), about_index(index), message, evidence, fix(index))
}

/// Leftovers of REINDEX CONCURRENTLY have their valid original beside them; others are rebuilt.
fn fix(index: &Index) -> Fix {
    let numbered = index.name.trim_end_matches(|c: char| c.is_ascii_digit());
    if index.partitioned {
        return Fix { text: "build the index on each partition and attach it".into(), sql: None };
    }
    if numbered.ends_with("_ccnew") || numbered.ends_with("_ccold") || !index.live {
        return Fix { text: "drop it: REINDEX CONCURRENTLY left it, the original stands beside it".into(), sql: drop_sql(index) };
    }
    let name = quote_qualified(&index.spec.table.schema, &index.name);
    let text = if index.spec.unique {
        "rebuild it, or drop it; a UNIQUE one fails again while duplicates are in the table"
    } else {
        "rebuild it, or drop it if nobody wants it any more"
    };
    Fix { text: text.into(), sql: Some(format!("REINDEX INDEX CONCURRENTLY {name}")) }
}
