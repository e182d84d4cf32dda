//! Indexes to drop, from the findings that name one.

use super::recommend::Settled;
use super::wording::id_of;
use crate::model::catalog::{Catalog, Index};
use crate::model::ddl::{Ddl, IndexName};
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::report::{Action, AdvisedIndex, Finding, Recommendation, Rejected};
use crate::read::index_ddl;
use std::collections::BTreeSet;

/// Rules whose subject is an index that nobody needs, surest first.
const DROPPING: [&str; 4] = ["invalid-index", "duplicate-index", "redundant-index", "unused-index"];

/// One drop per index. An index that a dropped one leans on (the one that covers it) stays; so does
/// one in `in_use`, whatever the counters say, and the last one that a foreign key is looked up by.
pub(super) fn drops(findings: &[Finding], catalog: &Catalog, in_use: &BTreeSet<IndexName>) -> Vec<AdvisedIndex> {
    let mut gone: Vec<(&Index, &Finding)> = Vec::new();
    for rule in DROPPING {
        for finding in findings.iter().filter(|f| f.rule == rule) {
            let Some(index) = subject(finding, catalog) else { continue };
            let known = gone.iter().any(|(g, _)| g.oid == index.oid);
            let leaned_on = gone.iter().any(|(g, _)| g.valid && g.spec.is_covered_by(&index.spec));
            let planned = rule == "unused-index" && in_use.contains(&IndexName::new(&index.spec.table.schema, &index.name));
            if !known && !leaned_on && !planned && !index.partition && !index.partitioned && !leaves_key_bare(index, &gone, catalog) {
                gone.push((index, finding));
            }
        }
    }
    gone.into_iter().map(|(index, finding)| advised(index, finding, catalog)).collect()
}

/// A query may get this much dearer by a drop, as a share.
const DEARER: f64 = 0.10;

/// Tries each drop beside the advice and the drops before it; one that a query would miss is refused.
pub(super) async fn tried(
    drops: Vec<AdvisedIndex>,
    settled: Option<Settled>,
    recommendation: &mut Recommendation,
) -> Result<Vec<AdvisedIndex>, Failure> {
    let Some(mut settled) = settled else { return Ok(drops) };
    let (mut kept, mut hidden) = (Vec::new(), BTreeSet::new());
    for mut drop in drops {
        let name = IndexName::new(&drop.schema, &drop.name);
        let without: BTreeSet<IndexName> = hidden.iter().cloned().chain([name]).collect();
        let dearer = settled.dearer_without(&TableName::new(&drop.schema, &drop.table), &without).await?;
        match dearer {
            Some(share) if share > DEARER => {
                let reason = format!("tried without it, a query of the workload gets {:.0} % dearer", 100.0 * share);
                recommendation.rejected.push(Rejected { ddl: drop.ddl, reason_code: "missed".into(), reason });
                continue;
            }
            Some(share) if share > 0.0005 => {
                drop.reason += &format!("; tried without it, no query gets more than {:.1} % dearer", 100.0 * share)
            }
            Some(_) => drop.reason += "; tried without it, no query gets dearer",
            None => {}
        }
        hidden = without;
        kept.push(drop);
    }
    Ok(kept)
}

/// True where a foreign key of the table is looked up by this index and by none that stays.
fn leaves_key_bare(index: &Index, gone: &[(&Index, &Finding)], catalog: &Catalog) -> bool {
    let stays = |other: &&Index| other.oid != index.oid && gone.iter().all(|(g, _)| g.oid != other.oid);
    let keys = catalog.foreign_keys.iter().filter(|key| key.child == index.spec.table && index.serves(key));
    keys.into_iter().any(|key| !catalog.indexes_of(&key.child).filter(stays).any(|other| other.serves(key)))
}

fn subject<'c>(finding: &Finding, catalog: &'c Catalog) -> Option<&'c Index> {
    let table = TableName::new(finding.subject.schema.as_deref()?, finding.subject.table.as_deref()?);
    let name = finding.subject.index.as_deref()?;
    catalog.indexes.iter().find(|i| i.spec.table == table && i.name == name)
}

fn advised(index: &Index, finding: &Finding, catalog: &Catalog) -> AdvisedIndex {
    let table = catalog.table(&index.spec.table);
    let name = IndexName::new(&index.spec.table.schema, &index.name);
    let ddl = name.drop_sql();
    AdvisedIndex {
        id: id_of(&ddl),
        action: Action::Drop,
        name: index.name.clone(),
        schema: name.schema.clone(),
        table: index.spec.table.name.clone(),
        ddl,
        undo: undo(index, &name),
        size_bytes: Some(index.size_bytes as f64),
        write_cost: 0.0,
        queries: Vec::new(),
        benefit: 0.0,
        reason: format!("{}: {}", finding.rule, finding.message),
        replaces: Vec::new(),
        partitioned: false,
        owner: table.filter(|t| !t.ours).map(|t| t.owner.clone()),
        ..AdvisedIndex::default()
    }
}

/// Statements that bring it back as it was; none for an INVALID index, which nobody wants back.
fn undo(index: &Index, name: &IndexName) -> Vec<String> {
    if !index.valid {
        return Vec::new();
    }
    let Some(mut create) = index_ddl::definition(&index.definition) else { return Vec::new() };
    create.tablespace.clone_from(&index.tablespace);
    let comment = index.comment.iter().map(|c| Ddl::Comment(name.clone(), c.clone()));
    let statistics = index.statistics_targets.iter().map(|(column, target)| Ddl::Statistics(name.clone(), *column, *target));
    std::iter::once(Ddl::Create(create)).chain(comment).chain(statistics).map(|d| d.sql()).collect()
}
