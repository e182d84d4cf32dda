//! INSERT, UPDATE, DELETE and MERGE: their target, and what they read.

use super::blocks::Builder;
use super::names::{Scope, Source, fold, split};
use crate::model::query::TableRef;
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
        if let Some(OnInsert::OnConflict(OnConflict { conflict_target, action: OnConflictAction::DoUpdate(update) })) = &insert.on {
            // The rows that were not inserted: no table has them.
            scope.add(Source::Derived { alias: "excluded".into(), columns: None });
            self.assignments(&update.assignments, block, &scope);
            // What they conflict by is the same on both sides: assigned or not, it does not change.
            if let (Some(ConflictTarget::Columns(by)), Some(table)) = (conflict_target, self.written_table(block)) {
                table.assigned.retain(|column| by.iter().all(|ident| fold(ident) != *column));
            }
            // The row is found by the constraint; this only says whether it is changed.
            update.selection.iter().for_each(|filter| drop(self.mention(filter, block, &scope)));
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
        self.assignments(&update.assignments, block, &scope);
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
        for clause in &merge.clauses {
            clause.predicate.iter().for_each(|filter| drop(self.mention(filter, block, &scope)));
            match &clause.action {
                MergeAction::Update(MergeUpdateExpr { kind: MergeUpdateKind::Set(set), .. }) => self.assignments(set, block, &scope),
                MergeAction::Insert(MergeInsertExpr { kind: MergeInsertKind::Values(values), .. }) => {
                    values.rows.iter().flat_map(|row| row.iter()).for_each(|value| drop(self.mention(value, block, &scope)));
                }
                _ => {}
            }
        }
    }

    fn assignments(&mut self, list: &[Assignment], block: usize, scope: &Scope) {
        for assignment in list {
            self.mention(&assignment.value, block, scope);
            self.assign(&assignment.target, block);
        }
    }

    fn assign(&mut self, target: &AssignmentTarget, block: usize) {
        let names = match target {
            AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
            AssignmentTarget::Tuple(names) => names.as_slice(),
        };
        if let Some(table) = self.written_table(block) {
            table.assigned.extend(names.iter().map(|n| split(n).1));
        }
    }

    /// The table that the block's statement writes to.
    fn written_table(&mut self, block: usize) -> Option<&mut TableRef> {
        let first = *self.shape.blocks[block].table_refs.first()?;
        self.shape.tables.get_mut(first)
    }

    pub(super) fn mark_written(&mut self, block: usize) {
        if let Some(table) = self.written_table(block) {
            table.written = true;
        }
    }
}
