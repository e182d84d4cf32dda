//! A partitioned table cannot be indexed concurrently as a whole. The recipe: the parent's index
//! alone, then each partition's index concurrently, then each joins the parent's, which turns valid
//! with the last. Sub-partitioned tables repeat it on their level, joined from the bottom up.

use super::check;
use crate::model::catalog::{Catalog, TableKind};
use crate::model::ddl::{CreateIndex, IndexName};
use crate::model::index_def::TableName;
use crate::model::report::AdvisedIndex;
use crate::model::step::{Lock, Member, Step, StepKind};

/// Everything below a partitioned table, as the catalog has it.
pub fn members(catalog: &Catalog, top: &TableName) -> Vec<Member> {
    let mut found: Vec<Member> = Vec::new();
    let mut above = vec![top.clone()];
    for level in 1.. {
        let below = catalog.tables.iter().filter(|t| t.partition_of.as_ref().is_some_and(|p| above.contains(p)));
        let next: Vec<Member> = below
            .map(|t| Member {
                oid: t.oid,
                table: t.table_name(),
                parent: t.partition_of.clone().unwrap_or_else(|| top.clone()),
                level,
                leaf: t.kind != TableKind::Partitioned,
            })
            .collect();
        if next.is_empty() {
            break;
        }
        above = next.iter().map(|m| m.table.clone()).collect();
        found.extend(next);
    }
    found
}

/// Waiting longer than this for a lock that queues writers would itself be an outage.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '2s'";

/// All steps of the recipe, in order.
pub(super) fn recipe(advice: &AdvisedIndex, create: &CreateIndex, members: &[Member]) -> Vec<Step> {
    let base = |kind, index: IndexName, table: &TableName| Step {
        id: advice.id.clone(),
        kind,
        index,
        table: Some(table.clone()),
        sql: Vec::new(),
        undo: Vec::new(),
        outside_transaction: false,
        lock: Lock::None,
        hazards: Vec::new(),
        reason: advice.reason.clone(),
    };
    let top = create.index();
    let on = |member: &Member| create.on_partition(&member.table);
    let parents = std::iter::once(create.clone()).chain(members.iter().filter(|m| !m.leaf).map(on));
    let mut steps: Vec<Step> = parents.map(|c| parent_step(base(StepKind::CreateOnParent, c.index(), &c.table), &c)).collect();
    for leaf in members.iter().filter(|m| m.leaf).map(on) {
        steps.push(Step {
            sql: vec![leaf.sql()],
            undo: vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", leaf.index().quoted())],
            outside_transaction: true,
            lock: Lock::ShareUpdateExclusive,
            hazards: vec!["a build that fails or is stopped leaves an INVALID index: drop it before the next try".into()],
            ..base(StepKind::BuildPartition, leaf.index(), &leaf.table)
        });
    }
    let mut bottom_up: Vec<&Member> = members.iter().collect();
    bottom_up.sort_by_key(|m| std::cmp::Reverse(m.level));
    for member in bottom_up {
        let above = if member.parent == create.table { top.clone() } else { create.on_partition(&member.parent).index() };
        steps.push(attach_step(base(StepKind::Attach, on(member).index(), &member.table), &above, &top));
    }
    steps.push(Step { sql: vec![check::parent_is_valid(&top)], ..base(StepKind::Check, top, &create.table) });
    steps
}

fn parent_step(step: Step, create: &CreateIndex) -> Step {
    Step {
        sql: vec![LOCK_TIMEOUT.into(), create.sql_on_only()],
        undo: drop_parent(&step.index),
        lock: Lock::Share,
        hazards: vec!["new partitions get the index from now on; attaching a table without it builds it under that lock".into()],
        ..step
    }
}

fn attach_step(step: Step, above: &IndexName, top: &IndexName) -> Step {
    let attach = above.attach_sql(&step.index);
    Step {
        sql: vec![check::is_valid(&step.index), LOCK_TIMEOUT.into(), attach],
        // An attached index falls only with its parent's; the partitions' files then find nothing left.
        undo: drop_parent(top),
        lock: Lock::AccessExclusiveOnIndex,
        hazards: vec!["undoing it drops the whole index: ACCESS EXCLUSIVE on the parent and every partition for a moment".into()],
        ..step
    }
}

fn drop_parent(index: &IndexName) -> Vec<String> {
    vec![LOCK_TIMEOUT.into(), format!("DROP INDEX IF EXISTS {}", index.quoted())]
}
