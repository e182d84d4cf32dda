//! The walk over a statement: one [`Block`] per SELECT, one `TableRef` per mention of a table.

use super::clauses::target_expr;
use super::from::output_columns;
use super::names::{Scope, Tables, fold};
use crate::model::query::{Block, Shape, StatementKind};
use sqlparser::ast::*;

/// Builds one statement's shape.
pub struct Builder<'a> {
    /// Tables by name.
    pub tables: &'a Tables<'a>,
    /// search_path of the query's role.
    pub search_path: &'a [String],
    /// What is built.
    pub shape: Shape,
}

impl Builder<'_> {
    /// Reads a whole statement.
    pub fn statement(&mut self, statement: &Statement) {
        self.shape.kind = kind_of(statement);
        self.any(statement, &Scope::default(), 0);
        // The first comparison of a parameter is the one to sample for.
        self.shape.parameter_uses.sort_by_key(|u| u.number);
        self.shape.parameter_uses.dedup_by_key(|u| u.number);
    }

    pub(super) fn any(&mut self, statement: &Statement, scope: &Scope, depth: u32) {
        match statement {
            Statement::Query(query) => {
                self.query(query, scope, depth);
            }
            Statement::Insert(insert) => self.insert(insert, scope, depth),
            Statement::Update(update) => self.update(update, scope, depth),
            Statement::Delete(delete) => self.delete(delete, scope, depth),
            Statement::Merge(merge) => self.merge(merge, scope, depth),
            _ => {}
        }
    }

    /// A query with its CTEs; returns the index of its outermost block.
    pub(super) fn query(&mut self, query: &Query, outer: &Scope, depth: u32) -> usize {
        let mut scope = outer.clone();
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            if query.with.as_ref().is_some_and(|w| w.recursive) {
                scope.ctes.push((fold(&cte.alias.name), None));
            }
            self.query(&cte.query, &scope, depth + 1);
            scope.ctes.push((fold(&cte.alias.name), output_columns(&cte.query, &cte.alias)));
        }
        self.shape.locking |= !query.locks.is_empty();
        self.shape.skip_locked |= query.locks.iter().any(|l| matches!(l.nonblock, Some(NonBlock::SkipLocked)));
        let (block, inner) = self.set_expr(&query.body, &scope, depth);
        self.limits(query, block);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &query.order_by {
            self.order(keys, &query.body, block, &inner);
        }
        block
    }

    pub(super) fn set_expr(&mut self, body: &SetExpr, scope: &Scope, depth: u32) -> (usize, Scope) {
        match body {
            SetExpr::Select(select) => self.select(select, scope, depth),
            SetExpr::Query(query) => (self.query(query, scope, depth), scope.nested()),
            SetExpr::SetOperation { left, right, .. } => {
                let block = self.new_block(depth);
                self.shape.blocks[block].set_operation = true;
                self.shape.blocks[block].derived_tables = true;
                self.set_expr(left, scope, depth + 1);
                self.set_expr(right, scope, depth + 1);
                (block, scope.nested())
            }
            SetExpr::Insert(s) | SetExpr::Update(s) | SetExpr::Delete(s) | SetExpr::Merge(s) => {
                let block = self.new_block(depth);
                // A data-changing CTE makes the whole statement a writing one.
                self.shape.kind = kind_of(s);
                self.any(s, scope, depth);
                (block, scope.nested())
            }
            SetExpr::Values(values) => {
                let block = self.new_block(depth);
                let inner = scope.nested();
                for expr in values.rows.iter().flat_map(|row| row.iter()) {
                    self.mention(expr, block, &inner);
                }
                self.shape.blocks[block].derived_tables = true;
                (block, inner)
            }
            SetExpr::Table(table) => {
                let block = self.new_block(depth);
                let mut inner = scope.nested();
                if let Some(name) = &table.table_name {
                    self.relation(
                        table.schema_name.as_ref().map(|s| s.to_lowercase()),
                        name.to_lowercase(),
                        None,
                        false,
                        block,
                        &mut inner,
                    );
                }
                self.shape.blocks[block].star = true;
                self.need_all(block, None, &inner);
                (block, inner)
            }
        }
    }

    pub(super) fn new_block(&mut self, depth: u32) -> usize {
        self.shape.blocks.push(Block { depth, ..Block::default() });
        self.shape.blocks.len() - 1
    }

    pub(super) fn select(&mut self, select: &Select, outer: &Scope, depth: u32) -> (usize, Scope) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        for item in &select.from {
            self.list_item(item, block, &mut scope);
        }
        if let Some(filter) = &select.selection {
            self.filter(filter, block, &scope, None);
        }
        for item in &select.projection {
            self.target(item, block, &scope);
        }
        self.constant_target(&select.projection, block, &scope);
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            self.shape.blocks[block].aggregate |= !keys.is_empty();
            self.group(keys, &select.projection, block, &scope);
        }
        if let Some(having) = &select.having {
            self.shape.blocks[block].aggregate = true;
            self.mention(having, block, &scope);
        }
        if let Some(distinct) = &select.distinct
            && !matches!(distinct, Distinct::All)
        {
            self.shape.blocks[block].distinct = true;
            let keys: Vec<Expr> = match distinct {
                Distinct::On(keys) => keys.clone(),
                _ => select.projection.iter().filter_map(target_expr).cloned().collect(),
            };
            self.group(&keys, &select.projection, block, &scope);
        }
        (block, scope)
    }
}

fn kind_of(statement: &Statement) -> StatementKind {
    match statement {
        Statement::Query(_) => StatementKind::Select,
        Statement::Insert(_) => StatementKind::Insert,
        Statement::Update(_) => StatementKind::Update,
        Statement::Delete(_) => StatementKind::Delete,
        Statement::Merge(_) => StatementKind::Merge,
        _ => StatementKind::Other,
    }
}
