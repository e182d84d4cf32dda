//! Expressions of a block: columns they need, subqueries they hold, conditions of WHERE and ON.

use super::blocks::Builder;
use super::conditions::{Contents, Surroundings, bare, conjuncts, contents};
use super::keys::local_key;
use super::members::{Member, member};
use super::names::{Origin, Scope};
use super::parameters;
use crate::model::index_def::KeyExpr;
use crate::model::query::{Condition, Op, ParameterUse, Rhs};
use sqlparser::ast::*;

impl Builder<'_> {
    pub(super) fn has_column(&self, table_ref: usize, column: &str) -> bool {
        self.shape.tables.get(table_ref).and_then(|t| self.tables.get(&t.table)).is_some_and(|t| t.column(column).is_some())
    }

    pub(super) fn within<T>(&self, block: usize, scope: &Scope, work: impl FnOnce(&Surroundings) -> T) -> T {
        let has_column = |r: usize, c: &str| self.has_column(r, c);
        let is_local = |r: usize| self.shape.tables.get(r).is_some_and(|t| t.block == block) || scope.is_local(r);
        work(&Surroundings { scope, has_column: &has_column, is_local: &is_local })
    }

    /// Notes the columns, functions and parameters of an expression and reads its subqueries.
    pub(super) fn mention(&mut self, expr: &Expr, block: usize, scope: &Scope) -> Contents {
        let mut found = self.within(block, scope, |around| contents(expr, around));
        for (table_ref, column) in &found.columns {
            self.need(*table_ref, column);
        }
        let most = found.parameters.iter().copied().max().unwrap_or(0);
        self.shape.parameters = self.shape.parameters.max(most);
        let this = &mut self.shape.blocks[block];
        this.count_over |= found.count_over;
        this.subqueries |= !found.subqueries.is_empty();
        for subquery in std::mem::take(&mut found.subqueries) {
            self.query(&subquery, scope, self.shape.blocks[block].depth + 1);
            found.unresolved = true;
        }
        found
    }

    pub(super) fn need(&mut self, table_ref: usize, column: &str) {
        let needed = &mut self.shape.tables[table_ref].needed;
        if let Err(at) = needed.binary_search_by(|c| c.as_str().cmp(column)) {
            needed.insert(at, column.to_owned());
        }
    }

    /// `*` or `alias.*`.
    pub(super) fn need_all(&mut self, block: usize, alias: Option<&str>, scope: &Scope) {
        for table_ref in scope.local_tables() {
            let table = &mut self.shape.tables[table_ref];
            if table.block == block && alias.is_none_or(|a| table.alias == a) {
                table.needs_all = true;
            }
        }
    }

    /// WHERE or ON: conditions of its AND chain, kept only for the references in `only`, where given.
    pub(super) fn filter(&mut self, expr: &Expr, block: usize, scope: &Scope, only: Option<std::ops::Range<usize>>) {
        for conjunct in conjuncts(expr) {
            if let Expr::InSubquery { expr: key, subquery, negated } = bare(conjunct) {
                self.in_subquery(key, subquery, *negated, block, scope);
            } else {
                self.mention(conjunct, block, scope);
            }
            self.searches(conjunct, block, scope);
            let uses = self.within(block, scope, |around| parameters::uses(conjunct, around));
            let at =
                |(table_ref, usage): (usize, ParameterUse)| ParameterUse { table: self.shape.tables[table_ref].table.clone(), ..usage };
            let uses: Vec<ParameterUse> = uses.into_iter().map(at).collect();
            self.shape.parameter_uses.extend(uses);
            let kept = |r: usize| only.as_ref().is_none_or(|o| o.contains(&r));
            let Member { always, optional, arms } = self.within(block, scope, |around| member(conjunct, around));
            let nullable: Vec<bool> = self.shape.tables.iter().map(|t| t.nullable).collect();
            // Behind an outer join IS NULL finds the rows without a partner: no row of the table itself has to meet it.
            let joined = |(r, c): &(usize, Condition)| only.is_none() && c.op == Op::IsNull && nullable[*r];
            for (table_ref, condition) in always.into_iter().filter(|c| kept(c.0) && !joined(c)) {
                self.hold(table_ref, condition, block);
            }
            for (table_ref, condition) in optional.into_iter().filter(|(r, _)| kept(*r)) {
                self.shape.tables[table_ref].optional.push(condition);
            }
            for (table_ref, arms) in arms.into_iter().filter(|(r, _)| kept(*r)) {
                self.shape.tables[table_ref].or_arms.extend(arms);
            }
        }
    }

    /// `x IN (SELECT y …)` is a semi join: y is looked up by x.
    pub(super) fn in_subquery(&mut self, key: &Expr, subquery: &Query, negated: bool, block: usize, scope: &Scope) {
        self.mention(key, block, scope);
        self.shape.blocks[block].subqueries = true;
        let outer = self.within(block, scope, |around| local_key(key, around));
        let inner = self.query(subquery, scope, self.shape.blocks[block].depth + 1);
        let Some((table_ref, KeyExpr::Column(column), _)) = outer.filter(|_| !negated) else { return };
        let Some([output]) = inner.outputs.as_deref() else { return };
        for (target, own) in output.origins.clone() {
            let rhs = Rhs::Column { table_ref, column: column.clone() };
            let condition = Condition::new(KeyExpr::Column(own.clone()), vec![own], Op::Eq, rhs);
            self.shape.tables[target].conditions.push(condition);
        }
    }

    /// A condition holds in every arm of a UNION through which its column comes.
    fn hold(&mut self, table_ref: usize, condition: Condition, block: usize) {
        if let (KeyExpr::Column(column), true) = (&condition.key, self.shape.tables[table_ref].block != block) {
            let twins: Vec<Origin> = self.twins.get(&(table_ref, column.clone())).cloned().unwrap_or_default();
            for (twin, column) in twins {
                let own = Condition { key: KeyExpr::Column(column.clone()), columns: vec![column], predicate: None, ..condition.clone() };
                self.shape.tables[twin].conditions.push(own);
            }
        }
        self.shape.tables[table_ref].conditions.push(condition);
    }
}
