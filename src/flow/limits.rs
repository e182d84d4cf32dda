//! What the user's limits on the advice mean for this database.

use super::engine::Advice;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::restrictions::Restrictions;

    fn catalog() -> Catalog {
        let table = |schema: &str, name: &str, kind, bytes, parent: Option<&str>| Table {
            schema: schema.into(),
            name: name.into(),
            kind,
            size_bytes: bytes,
            platform: schema == "auth",
            partition_of: parent.map(|p| TableName::new(schema, p)),
            ..Table::default()
        };
        let tables = vec![
            table("public", "orders", TableKind::Table, 1000, None),
            table("public", "events", TableKind::Partitioned, 0, None),
            table("public", "events_1", TableKind::Table, 500, Some("events")),
            table("public", "old", TableKind::View, 0, None),
            table("auth", "users", TableKind::Table, 7000, None),
        ];
        Catalog { tables, ..Catalog::default() }
    }

    fn budgets(advice: Advice) -> Result<Vec<f64>, Failure> {
        settled(&advice, &catalog()).map(|advice| advice.budgets)
    }

    #[test]
    fn shares_are_of_the_heap_of_the_advised_tables() {
        let shares = |tables: &[&str], schemas: &[&str]| Advice {
            budgets: vec![200.0],
            budget_shares: vec![0.5, 0.1],
            allowed: Restrictions {
                tables: tables.iter().map(|t| (*t).to_owned()).collect(),
                schemas: schemas.iter().map(|t| (*t).to_owned()).collect(),
                ..Restrictions::default()
            },
            ..Advice::default()
        };
        assert_eq!(budgets(shares(&[], &[])), Ok(vec![150.0, 200.0, 750.0]), "smallest first, the platform's tables left out");
        assert_eq!(budgets(shares(&["public.events"], &[])), Ok(vec![50.0, 200.0, 250.0]), "a parent is its partitions");
        assert_eq!(budgets(shares(&["auth.users"], &["auth"])), Ok(vec![200.0, 700.0, 3500.0]));
        assert!(budgets(shares(&["old"], &[])).unwrap_err().message.contains("are empty"));
    }

    #[test]
    fn unknown_tables_are_named_with_the_nearest() {
        let failure = |tables: &[&str], exclude: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
            let allowed = Restrictions { tables: owned(tables), exclude: owned(exclude), ..Restrictions::default() };
            budgets(Advice { allowed, ..Advice::default() }).unwrap_err()
        };
        let wrong = failure(&["ordres"], &[]);
        assert_eq!(
            (wrong.message.as_str(), wrong.hints[0].as_str()),
            ("--tables names ordres, and there is no such table", "did you mean `orders`?")
        );
        assert_eq!(failure(&[], &["Orders"]).hints[0], "did you mean `orders`?");
        assert!(failure(&["x\u{1b}[2J"], &[]).message.contains("\\u{1b}"));
    }
}
