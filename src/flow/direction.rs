//! Which way round an index is written. It can be read both ways, but PostgreSQL before 18 visits each leaf page twice on the
//! way back: what most executions read backwards is written the other way round.

use crate::model::index_def::{IndexSpec, KeyExpr};
use crate::model::plan::PlanNode;
use crate::model::text::quote_ident;

/// One scan of an index by a plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Walk {
    /// Executions.
    pub(super) weight: f64,
    /// From the end.
    pub(super) backward: bool,
    /// The scan's Index Cond; empty without.
    pub(super) bound: String,
}

impl Walk {
    /// The scan that a plan's node makes.
    pub(super) fn of(node: &PlanNode, weight: f64) -> Walk {
        let backward = node.extra.get("Scan Direction").is_some_and(|direction| direction == "Backward");
        Walk { weight, backward, bound: node.condition("Index Cond").unwrap_or_default().to_owned() }
    }

    /// How many of the leading keys the scan holds at one value: their order does not matter to it.
    fn fixed(&self, spec: &IndexSpec) -> usize {
        // EXPLAIN VERBOSE writes the table's alias in front.
        let equal = |name: &str| ['(', '.'].iter().any(|before| self.bound.contains(&format!("{before}{name} = ")));
        let is_fixed = |expr: &KeyExpr| match expr {
            KeyExpr::Column(name) => equal(name) || equal(&quote_ident(name)),
            KeyExpr::Expression(_) => false,
        };
        spec.keys.iter().take_while(|key| is_fixed(&key.expr)).count()
    }
}

/// The index the other way round behind the keys that every scan holds at one value; `None` where it is well as it is.
/// All scans can use the result as they use the index: each reads it in the opposite direction.
pub(super) fn turned(spec: &IndexSpec, walks: &[Walk]) -> Option<IndexSpec> {
    let ranges = || walks.iter().filter(|walk| walk.fixed(spec) < spec.keys.len());
    let sum = |backward: bool| ranges().filter(|walk| walk.backward == backward).map(|walk| walk.weight).sum::<f64>();
    if spec.method != "btree" || sum(true) <= sum(false) {
        return None;
    }
    let fixed = ranges().map(|walk| walk.fixed(spec)).min()?;
    let mut turned = spec.clone();
    for key in turned.keys.iter_mut().skip(fixed) {
        key.descending = !key.descending;
        key.nulls_first = !key.nulls_first;
    }
    Some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::{KeySpec, TableName};

    fn walk(weight: f64, backward: bool, bound: &str) -> Walk {
        Walk { weight, backward, bound: bound.into() }
    }

    fn tail(spec: Option<IndexSpec>) -> Option<String> {
        spec.map(|s| s.tail_sql())
    }

    #[test]
    fn what_is_read_backwards_is_turned_behind_the_fixed_keys() {
        let spec = IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a"), KeySpec::column("b")]);
        let newest = walk(5.0, true, "(t.a = $1)");
        assert_eq!(tail(turned(&spec, std::slice::from_ref(&newest))).as_deref(), Some(" USING btree (\"a\", \"b\" DESC)"));
        let whole = [newest.clone(), walk(1.0, false, "")];
        assert_eq!(tail(turned(&spec, &whole)).as_deref(), Some(" USING btree (\"a\" DESC, \"b\" DESC)"), "one walks through all");
        let oldest = [newest.clone(), walk(9.0, false, "(a = $1)")];
        assert_eq!(turned(&spec, &oldest), None, "more read it forwards");
        let look_up = [newest, walk(9.0, false, "((a = $1) AND (b = $2))")];
        assert!(turned(&spec, &look_up).is_some(), "a look-up has no direction");
    }
}
