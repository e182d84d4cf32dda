//! The walk over a statement: one [`Block`] per SELECT, one `TableRef` per mention of a table.

use super::clauses::target_expr;
use super::names::{Origin, Scope, Tables, fold};
use super::outputs::{Read, mentions, opaque, renamed};
use crate::model::query::{Block, Shape, StatementKind};
use sqlparser::ast::*;
use std::collections::HashMap;

/// Builds one statement's shape.
pub struct Builder<'a> {
    /// Tables by name.
    pub tables: &'a Tables<'a>,
    /// search_path of the query's role.
    pub search_path: &'a [String],
    /// What is built.
    pub shape: Shape,
    /// Of a UNION's column, by its base column in the first arm: those in the others.
    pub twins: HashMap<Origin, Vec<Origin>>,
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

    /// A query with its CTEs.
    pub(super) fn query(&mut self, query: &Query, outer: &Scope, depth: u32) -> Read {
        let mut scope = outer.clone();
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            let name = fold(&cte.alias.name);
            if query.with.as_ref().is_some_and(|w| w.recursive) {
                scope.ctes.push((name.clone(), None));
            }
            let outputs = self.query(&cte.query, &scope, depth + 1).outputs;
            let kept = matches!(cte.materialized, Some(CteAsMaterialized::Materialized)) || mentions(query, &name) > 1;
            let outputs = if kept { opaque(outputs) } else { outputs };
            scope.ctes.push((name, renamed(outputs, &cte.alias)));
        }
        self.shape.locking |= !query.locks.is_empty();
        self.shape.skip_locked |= query.locks.iter().any(|l| matches!(l.nonblock, Some(NonBlock::SkipLocked)));
        let mut read = self.set_expr(&query.body, &scope, depth);
        self.limits(query, read.block);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &query.order_by {
            self.order(keys, &query.body, &read);
        }
        // Whoever filters the first ten rows does not filter the table.
        if self.shape.blocks[read.block].limit.is_some() || self.shape.blocks[read.block].offset.is_some() {
            read.outputs = opaque(read.outputs);
        }
        read
    }

    pub(super) fn set_expr(&mut self, body: &SetExpr, scope: &Scope, depth: u32) -> Read {
        match body {
            SetExpr::Select(select) => self.select(select, scope, depth),
            SetExpr::Query(query) => Read { scope: scope.nested(), ..self.query(query, scope, depth) },
            SetExpr::SetOperation { left, right, op, .. } => {
                let block = self.new_block(depth);
                self.shape.blocks[block].set_operation = true;
                self.shape.blocks[block].derived_tables = true;
                let left = self.set_expr(left, scope, depth + 1).outputs;
                let right = self.set_expr(right, scope, depth + 1).outputs;
                let outputs = self.set_outputs(left, right);
                let outputs = if matches!(op, SetOperator::Union) { outputs } else { opaque(outputs) };
                Read { block, scope: scope.nested(), outputs }
            }
            SetExpr::Insert(s) | SetExpr::Update(s) | SetExpr::Delete(s) | SetExpr::Merge(s) => {
                let block = self.new_block(depth);
                // A data-changing CTE makes the whole statement a writing one.
                self.shape.kind = kind_of(s);
                self.any(s, scope, depth);
                Read { block, scope: scope.nested(), outputs: None }
            }
            SetExpr::Values(values) => {
                let block = self.new_block(depth);
                let inner = scope.nested();
                for expr in values.rows.iter().flat_map(|row| row.iter()) {
                    self.mention(expr, block, &inner);
                }
                self.shape.blocks[block].derived_tables = true;
                Read { block, scope: inner, outputs: None }
            }
            SetExpr::Table(table) => self.whole_table(table, scope, depth),
        }
    }

    /// `TABLE name`.
    fn whole_table(&mut self, table: &Table, scope: &Scope, depth: u32) -> Read {
        let block = self.new_block(depth);
        let mut inner = scope.nested();
        if let Some(name) = &table.table_name {
            let schema = table.schema_name.as_ref().map(|s| s.to_lowercase());
            self.relation(schema, name.to_lowercase(), None, false, block, &mut inner);
        }
        self.shape.blocks[block].star = true;
        self.need_all(block, None, &inner);
        Read { block, scope: inner, outputs: None }
    }

    pub(super) fn new_block(&mut self, depth: u32) -> usize {
        self.shape.blocks.push(Block { depth, ..Block::default() });
        self.shape.blocks.len() - 1
    }

    pub(super) fn select(&mut self, select: &Select, outer: &Scope, depth: u32) -> Read {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        for item in &select.from {
            self.list_item(item, block, &mut scope);
        }
        if let Some(filter) = &select.selection {
            self.filter(filter, block, &scope, None);
        }
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            self.shape.blocks[block].aggregate |= !keys.is_empty();
            self.group(keys, &select.projection, block, &scope);
        }
        for item in &select.projection {
            self.target(item, block, &scope);
        }
        for NamedWindowDefinition(_, window) in &select.named_window {
            if let NamedWindowExpr::WindowSpec(window) = window {
                self.window(window, block, &scope);
            }
        }
        self.constant_target(&select.projection, block, &scope);
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
        let outputs = self.select_outputs(&select.projection, &scope);
        Read { block, scope, outputs }
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
