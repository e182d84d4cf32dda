//! INSERT, UPDATE, DELETE and MERGE: their target, and what they read.

use super::blocks::Builder;
use super::names::{Scope, split};
use sqlparser::ast::*;

impl Builder<'_> {
    pub(super) fn insert(&mut self, insert: &Insert, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        if let TableObject::TableName(name) = &insert.table {
            let (schema, table) = split(name);
            self.relation(schema, table, None, true, block, &mut scope);
        }
        if let Some(source) = &insert.source {
            self.query(source, outer, depth + 1);
        }
    }

    pub(super) fn update(&mut self, update: &Update, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        self.list_item(&update.table, block, &mut scope);
        self.mark_written(block);
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) = &update.from {
            from.iter().for_each(|item| self.list_item(item, block, &mut scope));
        }
        if let Some(filter) = &update.selection {
            self.filter(filter, block, &scope, None);
        }
        for assignment in &update.assignments {
            self.mention(&assignment.value, block, &scope);
            self.assign(&assignment.target, block);
        }
    }

    pub(super) fn delete(&mut self, delete: &Delete, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        from.iter().for_each(|item| self.list_item(item, block, &mut scope));
        self.mark_written(block);
        delete.using.iter().flatten().for_each(|item| self.list_item(item, block, &mut scope));
        if let Some(filter) = &delete.selection {
            self.filter(filter, block, &scope, None);
        }
    }

    pub(super) fn merge(&mut self, merge: &Merge, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        self.factor(&merge.table, block, &mut scope);
        self.mark_written(block);
        self.factor(&merge.source, block, &mut scope);
        self.filter(&merge.on, block, &scope, None);
    }

    pub(super) fn assign(&mut self, target: &AssignmentTarget, block: usize) {
        let names = match target {
            AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
            AssignmentTarget::Tuple(names) => names.as_slice(),
        };
        if let Some(first) = self.shape.blocks[block].table_refs.first().copied() {
            self.shape.tables[first].assigned.extend(names.iter().map(|n| split(n).1));
        }
    }

    pub(super) fn mark_written(&mut self, block: usize) {
        if let Some(first) = self.shape.blocks[block].table_refs.first() {
            self.shape.tables[*first].written = true;
        }
    }
}
