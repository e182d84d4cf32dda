//! The shape of a query told by its plan: for texts that the parser cannot read, and for views,
//! whose tables appear in the plan alone. Scan nodes become the FROM list, their conditions the
//! WHERE clause of an equivalent SELECT, which is then read like any other.

use super::sql::tokens::{Kind, Token, tokens};
use crate::model::catalog::Catalog;
use crate::model::index_def::TableName;
use crate::model::plan::{Plan, PlanNode};
use crate::model::query::{Reading, Shape, StatementKind};
use crate::model::text::quote_ident;
use std::collections::{BTreeMap, BTreeSet};

/// Conditions that say which rows are wanted.
const CONDITIONS: [&str; 7] = ["Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Order By"];

/// Reads the plan; `None` when it names no table of the catalog (a plan without VERBOSE gives no schemas).
pub fn shape(plan: &Plan, catalog: &Catalog) -> Option<Shape> {
    let mut from: BTreeMap<String, TableName> = BTreeMap::new();
    for node in plan.root.walk() {
        if let Some((alias, table)) = scanned(node, catalog) {
            from.entry(alias).or_insert(table);
        }
    }
    if from.is_empty() {
        return None;
    }
    let tables: Vec<String> = from.iter().map(|(alias, table)| format!("{} {}", table.quoted(), quote_ident(alias))).collect();
    let readable = |text: &str, before: &str| parses(&format!("SELECT 1 FROM {}{before}{text}", tables.join(", ")), catalog);
    let conditions = plan.root.walk().flat_map(|n| CONDITIONS.iter().filter_map(|label| n.condition(label)));
    let mut wanted: Vec<&str> = conditions.flat_map(conjuncts).filter(|c| readable(c, " WHERE ")).collect();
    let mut seen = BTreeSet::new();
    wanted.retain(|c| seen.insert(*c));
    let keys = |of: fn(&PlanNode) -> &Vec<String>, clause: &str| {
        let keys = plan.root.walk().map(of).find(|k| !k.is_empty()).map(|k| k.join(", ")).filter(|k| readable(k, clause));
        keys.map(|k| format!("{clause}{k}")).unwrap_or_default()
    };
    let filter = if wanted.is_empty() { String::new() } else { format!(" WHERE {}", wanted.join(" AND ")) };
    let (group, order) = (keys(|n| &n.group_keys, " GROUP BY "), keys(|n| &n.sort_keys, " ORDER BY "));
    let output = needed(plan, &from, catalog);
    let select = output.as_deref().map_or("1".to_owned(), |o| o.join(", "));
    let sql = format!("SELECT {select} FROM {}{filter}{group}{order}", tables.join(", "));
    let Reading::Understood(mut shape) = super::sql::read(&sql, catalog, &[]) else { return None };
    if output.is_none() {
        // Without VERBOSE nobody knows what is handed up: no index covers that.
        shape.tables.iter_mut().for_each(|t| t.needs_all = true);
    }
    note_writes(plan, &mut shape);
    Some(shape)
}

/// The members of a condition's AND chain as text: `((a = 1) AND (b = 2))`. One that cannot be read hides no other.
fn conjuncts(condition: &str) -> Vec<&str> {
    let mut text = condition.trim();
    while let Some(inner) = enclosed(text) {
        text = inner;
    }
    let (mut out, mut depth, mut from) = (Vec::new(), 0i64, 0);
    for token in tokens(text) {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            _ if depth == 0 && token.is_word("or") => return vec![condition],
            // BETWEEN is not printed: an AND outside of parentheses joins conditions.
            _ if depth == 0 && token.is_word("and") => {
                out.push(&text[from..token.offset]);
                from = token.offset + token.text.len();
            }
            _ => {}
        }
    }
    if out.is_empty() {
        return vec![condition];
    }
    out.push(&text[from..]);
    out.into_iter().flat_map(conjuncts).collect()
}

/// What one pair of parentheses holds, where it is around the whole.
fn enclosed(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0i64;
    for token in tokens(inner) {
        depth += i64::from(token.text == "(") - i64::from(token.text == ")");
        if depth < 0 {
            return None;
        }
    }
    (depth == 0).then_some(inner.trim())
}

/// `alias.column` of everything handed up by nodes that compute (a scan hands up whatever costs nothing), as SQL;
/// `None` without VERBOSE.
fn needed(plan: &Plan, from: &BTreeMap<String, TableName>, catalog: &Catalog) -> Option<Vec<String>> {
    let is_scan = |n: &PlanNode| n.relation.is_some() && n.children.is_empty();
    let nodes: Vec<&PlanNode> = plan.root.walk().filter(|n| !is_scan(n) || std::ptr::eq(*n, &plan.root)).collect();
    let outputs: Vec<&String> = nodes.iter().filter_map(|n| n.extra.get("Output")).collect();
    let mut out = BTreeSet::new();
    for output in &outputs {
        let tokens = tokens(output);
        for three in tokens.windows(3).filter(|t| t[1].is_symbol(".")) {
            let (alias, column) = (name(&three[0]), name(&three[2]));
            let known = from.get(&alias).and_then(|t| catalog.table(t)).is_some_and(|t| t.column(&column).is_some());
            if known {
                out.insert(format!("{}.{}", quote_ident(&alias), quote_ident(&column)));
            }
        }
    }
    (!outputs.is_empty()).then(|| if out.is_empty() { vec!["1".to_owned()] } else { out.into_iter().collect() })
}

fn name(token: &Token) -> String {
    match token.kind {
        Kind::Quoted => token.text.trim_matches('"').replace("\"\"", "\""),
        _ => token.text.to_owned(),
    }
}

/// The target of a ModifyTable node is written.
fn note_writes(plan: &Plan, shape: &mut Shape) {
    for node in plan.root.walk().filter(|n| n.node_type == "ModifyTable") {
        shape.kind = match node.extra.get("Operation").map(String::as_str) {
            Some("Insert") => StatementKind::Insert,
            Some("Update") => StatementKind::Update,
            Some("Delete") => StatementKind::Delete,
            Some("Merge") => StatementKind::Merge,
            _ => continue,
        };
        let target = node.alias.as_ref().or(node.relation.as_ref());
        shape.tables.iter_mut().filter(|t| Some(&t.alias) == target).for_each(|t| t.written = true);
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
                    Filter: ((lower((u.handle)::text) = 'x'::text) AND (NOT (hashed SubPlan 1)))
";
        let plan = crate::read::explain::read(text).plans.remove(0);
        let shape = shape(&plan, &catalog).expect("two known tables");
        assert_eq!(shape.tables.len(), 2);
        // The subplan cannot be read, and hides nothing of what stands beside it.
        let conditions: Vec<usize> = shape.tables.iter().map(|t| t.conditions.len()).collect();
        assert_eq!(conditions, [1, 2], "{shape:?}");
        assert_eq!(shape.blocks[0].order.len(), 1);
        assert!(shape.tables.iter().all(|t| t.needs_all), "nothing says what is handed up");
    }

    #[test]
    fn a_verbose_plan_says_what_is_needed_and_what_is_written() {
        let columns = ["id", "user_id", "handle"].iter().map(|c| Column { name: (*c).into(), ..Column::default() }).collect::<Vec<_>>();
        let table = |name: &str| Table { schema: "public".into(), name: name.into(), columns: columns.clone(), ..Table::default() };
        let catalog = Catalog { tables: vec![table("users"), table("posts")], ..Catalog::default() };
        let scan = |name: &str, alias: &str, more: &str| {
            format!("{{\"Node Type\":\"Seq Scan\",\"Schema\":\"public\",\"Relation Name\":\"{name}\",\"Alias\":\"{alias}\"{more}}}")
        };
        let filter = ",\"Output\":[\"p.id\",\"p.user_id\",\"p.handle\"],\"Filter\":\"((p.user_id = 3) OR (p.id = 4))\"";
        let text = format!(
            "[{{\"Plan\":{{\"Node Type\":\"Aggregate\",\"Output\":[\"p.user_id\",\"count(*)\"],\"Group Key\":[\"p.user_id\"],\"Plans\":[{}]}}}}]",
            scan("posts", "p", filter)
        );
        let plan = crate::read::explain::read(&text).plans.remove(0);
        let found = shape(&plan, &catalog).expect("a known table");
        assert_eq!(found.tables[0].needed, ["id", "user_id"]);
        assert_eq!((found.tables[0].or_arms.len(), found.blocks[0].group.len(), found.tables[0].needs_all), (2, 1, false));
        let text = format!(
            "[{{\"Plan\":{{\"Node Type\":\"ModifyTable\",\"Operation\":\"Delete\",\"Schema\":\"public\",\"Relation Name\":\"posts\",\"Alias\":\"posts\",\"Plans\":[{}]}}}}]",
            scan("posts", "posts", ",\"Filter\":\"(posts.user_id = $1)\"")
        );
        let plan = crate::read::explain::read(&text).plans.remove(0);
        let found = shape(&plan, &catalog).expect("a known table");
        assert_eq!((found.kind, found.tables[0].written, found.tables[0].conditions.len()), (StatementKind::Delete, true, 1));
    }

    #[test]
    fn conditions_fall_into_their_members() {
        assert_eq!(
            conjuncts("((a = 1) AND (((b = 'x AND y'::text) AND (NOT (SubPlan 1)))))"),
            ["(a = 1) ", " (((b = 'x AND y'::text) AND (NOT (SubPlan 1))))"].iter().flat_map(|c| conjuncts(c)).collect::<Vec<_>>()
        );
        assert_eq!(conjuncts("((a = 1) OR (b = 2))"), ["((a = 1) OR (b = 2))"]);
        for odd in ["", "(", "))", "(SubPlan 1)", "(a AND", "AND", "'"] {
            conjuncts(odd);
        }
    }
}
