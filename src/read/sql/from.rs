//! FROM: base tables, joins, derived tables, and the columns a derived table has.

use super::blocks::Builder;
use super::names::{Origin, Output, Scope, Source, fold, split};
use super::outputs::renamed;
use crate::model::index_def::KeyExpr;
use crate::model::query::{Condition, Op, Rhs, TableRef};
use sqlparser::ast::*;

impl Builder<'_> {
    pub(super) fn list_item(&mut self, item: &TableWithJoins, block: usize, scope: &mut Scope) {
        let (first, left) = (self.shape.tables.len(), scope.width());
        self.factor(&item.relation, block, scope);
        for join in &item.joins {
            let (before, right) = (self.shape.tables.len(), scope.width());
            self.factor(&join.relation, block, scope);
            self.join(&join.join_operator, (first, left), (before, right), block, scope);
        }
    }

    /// ON and USING; on an outer join only the nullable side gets conditions (the other is read whole). Of a full join both
    /// are: what WHERE asks of one side makes it a left or a right one. `left` and `right` say where the sides begin, among the
    /// table references and among the sources.
    pub(super) fn join(&mut self, operator: &JoinOperator, left: (usize, usize), right: (usize, usize), block: usize, scope: &Scope) {
        use JoinOperator as J;
        let (first, before, after) = (left.0, right.0, self.shape.tables.len());
        let (constraint, nullable) = match operator {
            J::Join(c) | J::Inner(c) | J::CrossJoin(c) | J::StraightJoin(c) => (c, None),
            J::Left(c) | J::LeftOuter(c) => (c, Some(before..after)),
            J::Right(c) | J::RightOuter(c) => (c, Some(first..before)),
            J::FullOuter(c) => (c, Some(first..after)),
            _ => return,
        };
        if let Some(side) = &nullable {
            self.shape.tables[side.clone()].iter_mut().for_each(|t| t.nullable = true);
        }
        match constraint {
            JoinConstraint::On(on) => self.filter(on, block, scope, nullable),
            JoinConstraint::Using(columns) => {
                let sources = &scope.levels[0];
                for column in columns.iter().map(|c| split(c).1) {
                    let has = |r: usize, c: &str| self.has_column(r, c);
                    let side = |range: std::ops::Range<usize>| sources[range].iter().find_map(|s| s.column(&column, &has));
                    let sides = (side(left.1..right.1), side(right.1..sources.len()));
                    if let (Some(a), Some(b)) = sides {
                        self.equal(a, b, nullable.as_ref());
                    }
                }
            }
            _ => {}
        }
    }

    /// USING: one column of each side.
    fn equal(&mut self, a: Origin, b: Origin, only: Option<&std::ops::Range<usize>>) {
        for ((this, own), (other, column)) in [(a.clone(), b.clone()), (b, a)] {
            self.need(this, &own);
            if only.is_none_or(|o| o.contains(&this)) {
                let rhs = Rhs::Column { table_ref: other, column };
                self.shape.tables[this].conditions.push(Condition::new(KeyExpr::Column(own.clone()), vec![own], Op::Eq, rhs));
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
                let read = self.query(subquery, scope, self.shape.blocks[block].depth + 1);
                let columns = alias.as_ref().map_or(read.outputs.clone(), |a| renamed(read.outputs, a));
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

    pub(super) fn derived(&mut self, alias: Option<&TableAlias>, columns: Option<Vec<Output>>, block: usize, scope: &mut Scope) {
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
            let columns = match alias {
                Some(alias) => renamed(columns, alias),
                None => columns,
            };
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
