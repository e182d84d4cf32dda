//! What the user's limits on the advice mean for this database.

use super::engine::Advice;
use super::why;
use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::text::one_line;
use crate::rules::did_you_mean;

/// Checks the names of tables and turns shares of the heap into bytes, smallest budget first.
pub(super) fn settled(advice: &Advice, catalog: &Catalog) -> Result<Advice, Failure> {
    for (flag, names) in [("--tables", &advice.allowed.tables), ("--exclude", &advice.allowed.exclude)] {
        names.iter().try_for_each(|name| known(flag, name, catalog))?;
    }
    why::check(&advice.why)?;
    let mut advice = advice.clone();
    if !advice.budget_shares.is_empty() {
        let heap = heap_bytes(&advice, catalog);
        if heap <= 0.0 {
            return Err(Failure::usage("a budget in percent of the heap is nothing here: the advised tables are empty")
                .hint("give the budget in bytes, e.g. --budget 500MB"));
        }
        advice.budgets.extend(advice.budget_shares.drain(..).map(|share| share * heap));
    }
    advice.budgets.sort_by(f64::total_cmp);
    advice.budgets.dedup();
    Ok(advice)
}

/// Bytes of the tables that may get indexes, without TOAST and without indexes.
fn heap_bytes(advice: &Advice, catalog: &Catalog) -> f64 {
    let holds_rows = |t: &&Table| matches!(t.kind, TableKind::Table | TableKind::MaterializedView);
    let advised = |t: &&Table| {
        let platform = t.platform && !advice.allowed.schemas.contains(&t.schema);
        // A partition is advised with its parent.
        let named =
            advice.allowed.allow_table(&t.table_name()) || t.partition_of.as_ref().is_some_and(|parent| advice.allowed.allow_table(parent));
        named && !platform
    };
    catalog.tables.iter().filter(holds_rows).filter(advised).map(|t| t.size_bytes as f64).sum()
}

fn known(flag: &str, name: &str, catalog: &Catalog) -> Result<(), Failure> {
    let names = |t: TableName| [format!("{}.{}", t.schema, t.name), t.name];
    let all: Vec<[String; 2]> = catalog.tables.iter().map(|t| names(t.table_name())).collect();
    if all.iter().flatten().any(|known| known == name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("{flag} names {}, and there is no such table", one_line(name)));
    Err(match near(name, all.iter().flatten().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{}`?", one_line(near))),
        None => failure.hint("tables are named as table or schema.table, as they are spelled in the catalog"),
    })
}

/// The name most like a wrong one, whatever its case.
pub(super) fn near<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let mut same = names.clone().filter(|name| name.eq_ignore_ascii_case(wrong.trim_matches('"')));
    same.next().or_else(|| did_you_mean(wrong, names))
}
