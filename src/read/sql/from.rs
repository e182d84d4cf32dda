//! FROM: base tables, joins, derived tables, and the columns a derived table has.

use super::blocks::Builder;
use super::names::{Scope, Source, fold, split};
use crate::model::index_def::KeyExpr;
use crate::model::query::{Condition, Op, Rhs, TableRef};
use sqlparser::ast::*;

impl Builder<'_> {
    pub(super) fn list_item(&mut self, item: &TableWithJoins, block: usize, scope: &mut Scope) {
        let first = self.shape.tables.len();
        self.factor(&item.relation, block, scope);
        for join in &item.joins {
            let before = self.shape.tables.len();
            self.factor(&join.relation, block, scope);
            self.join(&join.join_operator, first, before, block, scope);
        }
    }

    /// ON and USING; on an outer join only the nullable side gets conditions (the other is read whole).
    pub(super) fn join(&mut self, operator: &JoinOperator, first: usize, before: usize, block: usize, scope: &Scope) {
        use JoinOperator as J;
        let after = self.shape.tables.len();
        let (constraint, nullable) = match operator {
            J::Join(c) | J::Inner(c) | J::CrossJoin(c) | J::StraightJoin(c) => (c, None),
            J::Left(c) | J::LeftOuter(c) => (c, Some(before..after)),
            J::Right(c) | J::RightOuter(c) => (c, Some(first..before)),
            J::FullOuter(c) => (c, Some(0..0)),
            _ => return,
        };
        if let Some(side) = &nullable {
            self.shape.tables[side.clone()].iter_mut().for_each(|t| t.nullable = true);
        }
        match constraint {
            JoinConstraint::On(on) => self.filter(on, block, scope, nullable),
            JoinConstraint::Using(columns) => {
                columns.iter().for_each(|c| self.using(&split(c).1, first..before, before..after, nullable.clone()));
            }
            _ => {}
        }
    }

    pub(super) fn using(
        &mut self,
        column: &str,
        left: std::ops::Range<usize>,
        right: std::ops::Range<usize>,
        only: Option<std::ops::Range<usize>>,
    ) {
        let has = |this: &Self, r: usize| this.has_column(r, column);
        let (Some(a), Some(b)) = (left.clone().find(|r| has(self, *r)), right.clone().find(|r| has(self, *r))) else { return };
        for (this, other) in [(a, b), (b, a)] {
            self.need(this, column);
            if only.as_ref().is_none_or(|o| o.contains(&this)) {
                let rhs = Rhs::Column { table_ref: other, column: column.to_owned() };
                let condition = Condition::new(KeyExpr::Column(column.to_owned()), vec![column.to_owned()], Op::Eq, rhs);
                self.shape.tables[this].conditions.push(condition);
            }
        }
    }

    pub(super) fn factor(&mut self, factor: &TableFactor, block: usize, scope: &mut Scope) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let (schema, table) = split(name);
                self.relation(schema, table, alias.as_ref(), false, block, scope);
            }
            TableFactor::Derived { subquery, alias, .. } => {
                // A plain derived table sees no siblings, but seeing them harms nobody: names would not resolve to them.
                self.query(subquery, scope, self.shape.blocks[block].depth + 1);
                let columns = alias.as_ref().map_or_else(|| None, |a| output_columns(subquery, a));
                self.derived(alias.as_ref(), columns, block, scope);
            }
            TableFactor::NestedJoin { table_with_joins, .. } => self.list_item(table_with_joins, block, scope),
            other => {
                let alias = match other {
                    TableFactor::Table { alias, .. }
                    | TableFactor::Function { alias, .. }
                    | TableFactor::TableFunction { alias, .. }
                    | TableFactor::UNNEST { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                self.derived(alias, None, block, scope);
            }
        }
    }

    pub(super) fn derived(&mut self, alias: Option<&TableAlias>, columns: Option<Vec<String>>, block: usize, scope: &mut Scope) {
        self.shape.blocks[block].derived_tables = true;
        scope.add(Source::Derived { alias: alias.map(|a| fold(&a.name)).unwrap_or_default(), columns });
    }

    /// A named relation: CTE, base table, or something the catalog does not hold.
    pub(super) fn relation(
        &mut self,
        schema: Option<String>,
        name: String,
        alias: Option<&TableAlias>,
        written: bool,
        block: usize,
        scope: &mut Scope,
    ) {
        let shown = alias.map_or_else(|| name.clone(), |a| fold(&a.name));
        let cte = schema.is_none().then(|| scope.ctes.iter().rev().find(|(n, _)| *n == name)).flatten().cloned();
        if let Some((_, columns)) = cte {
            self.shape.blocks[block].derived_tables = true;
            return scope.add(Source::Derived { alias: shown, columns });
        }
        let Some(table) = self.tables.find(schema.as_deref(), &name, self.search_path) else {
            self.shape.blocks[block].derived_tables = true;
            return scope.add(Source::Derived { alias: shown, columns: None });
        };
        let table_ref = self.shape.tables.len();
        self.shape.tables.push(TableRef { table: table.table_name(), alias: shown.clone(), block, written, ..TableRef::default() });
        self.shape.blocks[block].table_refs.push(table_ref);
        scope.add(Source::Table { alias: shown, table_ref });
    }
}

/// Output column names of a subquery, where each can be told.
pub(super) fn output_columns(query: &Query, alias: &TableAlias) -> Option<Vec<String>> {
    if !alias.columns.is_empty() {
        return Some(alias.columns.iter().map(|c| fold(&c.name)).collect());
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(fold(ident)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(fold),
        SelectItem::UnnamedExpr(Expr::Function(f)) => Some(split(&f.name).1),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}
