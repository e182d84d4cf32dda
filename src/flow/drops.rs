//! Indexes to drop: those that findings name, and those that the advice makes needless.

use super::settled::Settled;
use super::wording::id_of;
use crate::candidates::existing::leaves_key_bare;
use crate::model::catalog::{Catalog, Index};
use crate::model::ddl::{Ddl, IndexName};
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::report::{Action, AdvisedIndex, Finding, Recommendation, Rejected};
use crate::model::text::one_line;
use crate::read::index_ddl;
use std::collections::{BTreeMap, BTreeSet};

/// Rules whose subject is an index that nobody needs, surest first.
const DROPPING: [&str; 4] = ["invalid-index", "duplicate-index", "redundant-index", UNUSED];
/// The one that goes by counters alone.
const UNUSED: &str = "unused-index";

/// A drop to be tried.
pub(super) struct Proposal {
    drop: AdvisedIndex,
    /// Only a trial can tell: it is smaller than what would do its work, and has filtered already.
    only_if_tried: bool,
    /// A query may get this much dearer, as a share.
    bearable: f64,
}

/// Rules that name an index whose whole work another one of today does: what that costs more is its width.
const COVERED: [&str; 2] = ["duplicate-index", "redundant-index"];

/// What the choice says of existing indexes.
#[derive(Debug, Default)]
pub(super) struct Use {
    /// Plans use them, today or beside the advice.
    pub(super) in_use: BTreeSet<IndexName>,
    /// The choice gives them up, having weighed all queries together under the budget.
    pub(super) given_up: BTreeSet<IndexName>,
    /// How much dearer a query may get by a drop, where the user says so.
    pub(super) bearable: Option<f64>,
}

impl Use {
    /// True for a finding that an index is unused, where queries of the workload are planned with it: they may be newer than the
    /// counters.
    pub(super) fn disproves(&self, finding: &Finding) -> bool {
        let subject = &finding.subject;
        let name = subject.schema.as_ref().zip(subject.index.as_ref()).map(|(schema, index)| IndexName::new(schema, index));
        finding.rule == UNUSED && name.is_some_and(|name| self.in_use.contains(&name) && !self.given_up.contains(&name))
    }
}

/// One drop per index. An index that a dropped one leans on (the one that covers it) stays; so does
/// one in `in_use`, whatever the counters say, and the last one that a foreign key is looked up by.
pub(super) fn drops(findings: &[Finding], catalog: &Catalog, of: &Use, advice: &[AdvisedIndex]) -> Vec<Proposal> {
    let Use { in_use, given_up, bearable } = of;
    let bearable = |by_default: f64| bearable.unwrap_or(by_default);
    let mut gone: Vec<&Index> = Vec::new();
    let mut proposals = Vec::new();
    let unused: Vec<u32> = findings.iter().filter(|f| f.rule == UNUSED).filter_map(|f| Some(subject(f, catalog)?.oid)).collect();
    for rule in DROPPING {
        for finding in findings.iter().filter(|f| f.rule == rule) {
            let Some(index) = subject(finding, catalog) else { continue };
            let known = gone.iter().any(|g| g.oid == index.oid);
            // What nobody used leans on nothing.
            let leaning: Vec<&Index> = gone.iter().copied().filter(|g| rule != UNUSED || !unused.contains(&g.oid)).collect();
            let leaned_on = leaned_on(index, &leaning, catalog);
            let planned = rule == UNUSED && in_use.contains(&name_of(index)) && !given_up.contains(&name_of(index));
            if !known && !leaned_on && !planned && !index.partition && !index.partitioned && !leaves_key_bare(index, &gone, catalog) {
                gone.push(index);
                let reason = format!("{}: {}", finding.rule, finding.message);
                let bearable = bearable(if COVERED.contains(&rule) { AS_MUCH_AGAIN } else { DEARER });
                proposals.push(Proposal { drop: advised(index, reason, catalog), only_if_tried: false, bearable });
            }
        }
    }
    for index in catalog.indexes.iter().filter(|i| given_up.contains(&name_of(i))) {
        let known = gone.iter().any(|g| g.oid == index.oid);
        if !known && !leaned_on(index, &gone, catalog) && !leaves_key_bare(index, &gone, catalog) {
            gone.push(index);
            let reason = "what it saves is less than what it costs, with the advised indexes".to_owned();
            proposals.push(Proposal { drop: advised(index, reason, catalog), only_if_tried: false, bearable: bearable(DEARER) });
        }
    }
    // What covers them is created first: whatever leaned on them leans on that, foreign keys included.
    for wide in advice.iter().filter(|a| a.action == Action::Create && !a.partitioned) {
        for index in replaced(wide, catalog).filter(|i| may_go(i)) {
            // Of an index that the workload does not use, but somebody does, no trial can tell who would miss it.
            let only_if_tried = index.spec.predicate.is_some();
            let judged = !only_if_tried || index.scans == 0.0 || in_use.contains(&name_of(index));
            if judged && gone.iter().all(|g| g.oid != index.oid) {
                gone.push(index);
                let reason = format!("made redundant by {}, which serves the same conditions", one_line(&wide.name));
                proposals.push(Proposal { drop: advised(index, reason, catalog), only_if_tried, bearable: bearable(DEARER) });
            }
        }
    }
    proposals
}

/// True where one that is to go is needless because of this one, and of no other that stays.
fn leaned_on(index: &Index, gone: &[&Index], catalog: &Catalog) -> bool {
    let stays = |other: &&Index| other.oid != index.oid && other.valid && gone.iter().all(|g| g.oid != other.oid);
    let others = |g: &Index| catalog.indexes_of(&g.spec.table).filter(stays).any(|other| g.spec.is_covered_by(&other.spec));
    gone.iter().any(|g| g.valid && g.spec.is_covered_by(&index.spec) && !others(g))
}

/// The indexes that an advised one covers, by name.
fn replaced<'c>(wide: &'c AdvisedIndex, catalog: &'c Catalog) -> impl Iterator<Item = &'c Index> {
    let on_table = |i: &&Index| i.spec.table.name == wide.table && i.spec.table.schema == wide.schema;
    catalog.indexes.iter().filter(on_table).filter(|i| wide.replaces.contains(&i.name))
}

fn may_go(index: &Index) -> bool {
    index.valid && !index.is_load_bearing() && !index.partitioned && !index.building
}

fn name_of(index: &Index) -> IndexName {
    IndexName::new(&index.spec.table.schema, &index.name)
}

/// A query may get this much dearer by a drop, as a share…
const DEARER: f64 = 0.10;
/// …(of an index that another covers today: as much again, since every write and the cache pay for the second one)…
const AS_MUCH_AGAIN: f64 = 1.0;
/// …or, per execution, by two pages read at random, planner units: what does a dropped index's work is often longer and
/// one level higher, and that is the price of every drop.
const FEW_PAGES: f64 = 8.0;

/// By how much queries get dearer by a drop, from the costs of each with the advice alone, with the drops before it, and with
/// it. All drops together may not do more than one that is needless for sure.
fn most_dearer(costs: &[[f64; 3]], bearable: f64) -> Dearer {
    let share = |from: f64, to: f64| if from > 0.0 { (to / from - 1.0).max(0.0) } else { 0.0 };
    let own = |[_, with, without]: &[f64; 3]| share(*with, *without);
    let hurts = |cost: &&[f64; 3]| {
        let [advice, with, without] = **cost;
        let much = own(cost) > bearable || share(advice, without) > bearable.max(AS_MUCH_AGAIN);
        much && without > with && without - advice > FEW_PAGES
    };
    let hurt = costs.iter().filter(hurts).map(own).reduce(f64::max);
    let [_, with, without] = costs.iter().max_by(|a, b| own(a).total_cmp(&own(b))).copied().unwrap_or_default();
    Dearer { hurt, share: share(with, without), units: (without - with).max(0.0) }
}

/// By how much queries get dearer by a drop.
#[derive(Debug, PartialEq)]
struct Dearer {
    /// Share of the one that is hurt most; `None` where none is hurt.
    hurt: Option<f64>,
    /// Share of the one that gets dearer most.
    share: f64,
    /// And by how much that is, planner units per execution.
    units: f64,
}

/// Tries each drop beside the advice and the drops before it, and adds it to the advice; one that a query would miss is refused.
/// What is not dropped replaces nothing.
pub(super) async fn tried(proposals: Vec<Proposal>, settled: Option<Settled>, recommendation: &mut Recommendation) -> Result<(), Failure> {
    let mut kept = Vec::new();
    let outcome = try_each(proposals, settled, &mut kept, recommendation).await;
    let dropped =
        |table: (&str, &str), name: &String| kept.iter().any(|k| (k.schema.as_str(), k.table.as_str()) == table && k.name == *name);
    for create in &mut recommendation.indexes {
        let table = (create.schema.clone(), create.table.clone());
        create.replaces.retain(|name| dropped((&table.0, &table.1), name));
    }
    recommendation.indexes.extend(kept);
    recommendation.size_bytes = space(&recommendation.indexes);
    outcome
}

async fn try_each(
    proposals: Vec<Proposal>,
    settled: Option<Settled>,
    kept: &mut Vec<AdvisedIndex>,
    recommendation: &mut Recommendation,
) -> Result<(), Failure> {
    let Some(mut settled) = settled else {
        kept.extend(proposals.into_iter().filter(|p| !p.only_if_tried).map(|p| p.drop));
        return Ok(());
    };
    let mut hidden = BTreeMap::new();
    let none = BTreeMap::new();
    for Proposal { mut drop, only_if_tried, bearable } in proposals {
        let name = IndexName::new(&drop.schema, &drop.name);
        let table = TableName::new(&drop.schema, &drop.table);
        let before = hidden.clone();
        hidden.insert(name.clone(), table.clone());
        let costs = settled.costs_without(&table, [&none, &before, &hidden]).await?;
        match costs.as_deref().map(|costs| most_dearer(costs, bearable)) {
            Some(Dearer { hurt: Some(share), .. }) => {
                let reason = format!("tried without it, a query of the workload gets {:.0} % dearer", 100.0 * share);
                recommendation.rejected.push(Rejected { ddl: drop.ddl, reason_code: "missed".into(), reason });
                hidden.remove(&name);
                continue;
            }
            Some(Dearer { share, units, .. }) if share > DEARER => {
                drop.reason += &format!(
                    "; tried without it, no query gets dearer by more than {:.0} %, and that is {units:.1} units of cost",
                    100.0 * share
                )
            }
            Some(Dearer { share, .. }) if share > 0.0005 => {
                drop.reason += &format!("; tried without it, no query gets more than {:.1} % dearer", 100.0 * share)
            }
            Some(_) => drop.reason += "; tried without it, no query gets dearer",
            None if only_if_tried => {
                hidden.remove(&name);
                continue;
            }
            None => {}
        }
        kept.push(drop);
    }
    // What the choice gave up may have stayed, and what it never looked at may have gone.
    if let Some(cost) = settled.cost_without(&hidden).await? {
        recommendation.cost_after = Some(cost);
    }
    Ok(())
}

/// Space that the creates take, less what the drops give back; `None` where a size is unknown, or nothing changes.
fn space(indexes: &[AdvisedIndex]) -> Option<f64> {
    let signed = |i: &AdvisedIndex| Some(if i.action == Action::Create { i.size_bytes? } else { -i.size_bytes? });
    let sum: Option<f64> = indexes.iter().map(signed).sum();
    sum.filter(|_| !indexes.is_empty())
}

fn subject<'c>(finding: &Finding, catalog: &'c Catalog) -> Option<&'c Index> {
    let table = TableName::new(finding.subject.schema.as_deref()?, finding.subject.table.as_deref()?);
    let name = finding.subject.index.as_deref()?;
    catalog.indexes.iter().find(|i| i.spec.table == table && i.name == name)
}

fn advised(index: &Index, reason: String, catalog: &Catalog) -> AdvisedIndex {
    let table = catalog.table(&index.spec.table);
    let name = name_of(index);
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
        reason,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::{IndexSpec, KeySpec};
    use crate::model::report::{Confidence, Fix, Severity, Subject};

    #[test]
    fn a_drop_hurts_by_share_and_by_pages() {
        let alone = |costs: &[(f64, f64)]| costs.iter().map(|(with, without)| [*with, *with, *without]).collect::<Vec<_>>();
        let most_dearer = |costs: &[(f64, f64)]| super::most_dearer(&alone(costs), DEARER);
        assert_eq!(most_dearer(&[]), Dearer { hurt: None, share: 0.0, units: 0.0 });
        assert_eq!(most_dearer(&[(4.5, 6.5), (4200.0, 4300.0)]).hurt, None, "a page more, and two percent more");
        assert_eq!(most_dearer(&[(4.0, 10.0), (100.0, 150.0)]).hurt, Some(0.5), "not the larger share, which is one page");
        assert_eq!(most_dearer(&[(4.0, 10.0), (100.0, 105.0)]), Dearer { hurt: None, share: 1.5, units: 6.0 });
        let covered = |costs: &[(f64, f64)]| super::most_dearer(&alone(costs), AS_MUCH_AGAIN).hurt;
        assert_eq!((covered(&[(100.0, 155.0)]), covered(&[(100.0, 250.0)])), (None, Some(1.5)), "a wider index reads more pages");
    }

    #[test]
    fn a_drop_answers_for_what_it_does_itself_and_all_together_for_the_sum() {
        let after_others = |cost| super::most_dearer(&[cost], DEARER);
        assert_eq!(after_others([100.0, 155.0, 155.0]), Dearer { hurt: None, share: 0.0, units: 0.0 });
        let covered = |cost| super::most_dearer(&[cost], AS_MUCH_AGAIN).hurt.is_some();
        assert!(!covered([100.0, 100.0, 190.0]) && covered([100.0, 190.0, 300.0]), "half as much again, after nearly as much again");
    }

    #[test]
    fn of_two_that_do_each_others_work_one_stays() {
        let twin = |oid: u32, descending: bool| {
            let key = KeySpec { descending, nulls_first: descending, ..KeySpec::column("d") };
            let spec = IndexSpec::btree(TableName::new("public", "t"), vec![key]);
            Index { oid, name: format!("i{oid}"), spec, valid: true, ready: true, live: true, ..Index::default() }
        };
        let catalog = Catalog { indexes: vec![twin(1, false), twin(2, true)], ..Catalog::default() };
        let some = |word: &str| Some(word.to_owned());
        let finding = |rule: &str, index: &str| Finding {
            rule: rule.into(),
            severity: Severity::Info,
            confidence: Confidence::Confirmed,
            subject: Subject { schema: some("public"), table: some("t"), index: some(index), ..Subject::default() },
            message: String::new(),
            evidence: BTreeMap::new(),
            fix: Fix::default(),
            fingerprint: String::new(),
        };
        let of = Use { given_up: [name_of(&catalog.indexes[0])].into(), ..Use::default() };
        let dropped = |findings: &[Finding], of: &Use| -> Vec<String> {
            drops(findings, &catalog, of, &[]).into_iter().map(|p| p.drop.name).collect()
        };
        let redundant = finding("redundant-index", "i2");
        assert_eq!(dropped(std::slice::from_ref(&redundant), &of), ["i2"]);
        let unused = |index: &str| finding("unused-index", index);
        assert_eq!(dropped(&[redundant.clone(), unused("i1")], &Use::default()), ["i2"], "what used the one will use the other");
        assert_eq!(dropped(&[redundant, unused("i1"), unused("i2")], &Use::default()), ["i2", "i1"], "nobody used either");
    }

    #[test]
    fn what_something_else_needs_is_never_replaced() {
        let spec = IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a")]);
        let plain = Index { oid: 1, name: "i".into(), spec, valid: true, ready: true, live: true, ..Index::default() };
        let advice = AdvisedIndex { schema: "public".into(), table: "t".into(), replaces: vec!["i".into()], ..AdvisedIndex::default() };
        let proposed = |index: Index, in_use: bool| {
            let of = Use { in_use: in_use.then(|| name_of(&index)).into_iter().collect(), ..Use::default() };
            drops(&[], &Catalog { indexes: vec![index], ..Catalog::default() }, &of, std::slice::from_ref(&advice)).len()
        };
        assert_eq!(proposed(plain.clone(), false), 1);
        let pins: [fn(&mut Index); 9] = [
            |i| i.primary = true,
            |i| i.spec.unique = true,
            |i| i.exclusion = true,
            |i| i.constraint = Some("k".into()),
            |i| i.replica_identity = true,
            |i| i.clustered = true,
            |i| i.needed_by_foreign_key = true,
            |i| i.partition = true,
            |i| i.partitioned = true,
        ];
        for (n, pin) in pins.iter().enumerate() {
            let mut pinned = plain.clone();
            pin(&mut pinned);
            assert_eq!(proposed(pinned, true), 0, "pin {n}");
        }
        // A partial one that somebody uses, but no query that we know.
        let partial = IndexSpec { predicate: Some("(b IS NULL)".into()), ..plain.spec.clone() };
        let used = Index { spec: partial, scans: 7.0, ..plain };
        assert_eq!((proposed(used.clone(), false), proposed(used, true)), (0, 1));
    }
}
