//! The shape of a query told by its plan: for texts that the parser cannot read, and for views,
//! whose tables appear in the plan alone. Scan nodes become the FROM list, their conditions the
//! WHERE clause of an equivalent SELECT, which is then read like any other.

use crate::model::catalog::Catalog;
use crate::model::index_def::TableName;
use crate::model::plan::{Plan, PlanNode};
use crate::model::query::{Reading, Shape};
use crate::model::text::quote_ident;
use std::collections::BTreeMap;

/// Conditions that say which rows are wanted.
const CONDITIONS: [&str; 6] = ["Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter"];

/// Reads the plan; `None` when it names no table of the catalog (a plan without VERBOSE gives no schemas).
pub fn shape(plan: &Plan, catalog: &Catalog) -> Option<Shape> {
    let mut from: BTreeMap<String, TableName> = BTreeMap::new();
    let mut wanted = Vec::new();
    for node in plan.root.walk() {
        if let Some((alias, table)) = scanned(node, catalog) {
            from.entry(alias).or_insert(table);
        }
        wanted.extend(CONDITIONS.iter().filter_map(|label| node.condition(label)));
    }
    if from.is_empty() {
        return None;
    }
    let tables: Vec<String> = from.iter().map(|(alias, table)| format!("{} {}", table.quoted(), quote_ident(alias))).collect();
    let base = format!("SELECT 1 FROM {}", tables.join(", "));
    let readable: Vec<&str> = wanted.into_iter().filter(|c| parses(&format!("{base} WHERE {c}"), catalog)).collect();
    let filter = if readable.is_empty() { String::new() } else { format!(" WHERE {}", readable.join(" AND ")) };
    let order = order_by(plan, &base, catalog);
    match super::sql::read(&format!("{base}{filter}{order}"), catalog, &[]) {
        Reading::Understood(shape) => Some(shape),
        Reading::Opaque(_) => None,
    }
}

/// Alias and table of a scan; a partition counts as its topmost parent.
fn scanned(node: &PlanNode, catalog: &Catalog) -> Option<(String, TableName)> {
    let name = node.relation.as_ref()?;
    let found = match &node.schema {
        Some(schema) => catalog.table(&TableName::new(schema, name)),
        None => {
            let mut same = catalog.tables.iter().filter(|t| t.name == *name);
            same.next().filter(|_| same.next().is_none())
        }
    };
    let mut table = found?;
    let mut alias = node.alias.clone().unwrap_or_else(|| name.clone());
    while let Some(parent) = table.partition_of.as_ref().and_then(|p| catalog.table(p)) {
        table = parent;
        // Partitions of one reference are aliased t_1, t_2…
        alias = alias.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_').to_owned();
    }
    Some((alias, table.table_name()))
}

fn parses(sql: &str, catalog: &Catalog) -> bool {
    matches!(super::sql::read(sql, catalog, &[]), Reading::Understood(shape) if shape.blocks.len() == 1)
}

/// The keys of the topmost Sort, where they can be read.
fn order_by(plan: &Plan, base: &str, catalog: &Catalog) -> String {
    let keys = plan.root.walk().find(|n| !n.sort_keys.is_empty()).map(|n| n.sort_keys.join(", "));
    keys.map(|k| format!(" ORDER BY {k}")).filter(|order| parses(&format!("{base}{order}"), catalog)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, Table};

    #[test]
    fn scans_and_conditions_become_a_shape() {
        let columns = ["id", "user_id", "handle"].iter().map(|c| Column { name: (*c).into(), ..Column::default() }).collect::<Vec<_>>();
        let table = |name: &str| Table { schema: "public".into(), name: name.into(), columns: columns.clone(), ..Table::default() };
        let catalog = Catalog { tables: vec![table("users"), table("posts")], ..Catalog::default() };
        let text = "Sort  (cost=1..2 rows=1 width=4)
  Sort Key: p.id DESC
  ->  Hash Join  (cost=1..2 rows=1 width=4)
        Hash Cond: (p.user_id = u.id)
        ->  Seq Scan on posts p  (cost=0..1 rows=1 width=4)
        ->  Hash  (cost=1..2 rows=1 width=4)
              ->  Seq Scan on users u  (cost=0..1 rows=1 width=4)
                    Filter: ((lower((handle)::text) = 'x'::text) AND (NOT (hashed SubPlan 1)))
";
        let plan = crate::read::explain::read(text).plans.remove(0);
        let shape = shape(&plan, &catalog).expect("two known tables");
        assert_eq!(shape.tables.len(), 2);
        assert!(shape.tables.iter().all(|t| t.conditions.len() == 1), "{shape:?}");
        assert_eq!(shape.blocks[0].order.len(), 1);
    }
}
