//! Choosing a set of indexes for the whole workload (pure: the planner is asked through [`Oracle`],
//! which `flow/` implements over a real server and tests over a table of answers).
//!
//! Every answer of the planner is a fact: "with these present, this query costs so much and uses those". Facts answer
//! further questions for free, and they are the plans among which a set is chosen.
//!
//! 1. *Explore* (`explore.rs`): per query, plan with all candidates that fit it, take out what the plan used and plan
//!    again; what no plan ever uses is refused here. Then plans with single columns, and with one index less.
//! 2. *Master* (`master.rs`): choose among the known plans of all queries, within the space and number allowed. The planner
//!    is asked what the set really costs; what it finds is known from then on, and the master chooses again until both agree.
//! 3. *Around* (`explore.rs`): what do queries do with one index of the set less, a narrower one, one more, or all
//!    that would fit? Then the master again, while that finds something.
//! 4. *Taste* (`taste.rs`): drop or narrow what is not worth its place, put the choosiest key in front, leave no index beside
//!    one that does its work.
//! 5. *Verify* (`verify.rs`): plan every query afresh with the whole set; an index that no plan uses goes, and so
//!    does one that makes a query dearer.
//!
//! The oracle is an async trait rather than a hand-written question-and-answer machine: the
//! compiler writes the machine, and the algorithm reads from top to bottom.

mod change;
mod explore;
mod facts;
mod hot;
mod master;
mod reasons;
mod search;
mod set;
mod taste;
mod verify;

use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Cost, QueryId};
use crate::model::index_def::{IndexSpec, KeySpec};
use master::{Master, Member, Room};
use search::Search;
use set::Set;
use std::collections::BTreeSet;

/// Answers what the planner would do.
#[allow(async_fn_in_trait, reason = "implemented in this crate only, never sent between threads")]
pub trait Oracle {
    /// Why a question could not be answered.
    type Error;

    /// Plans each query as if exactly the candidates in its set existed beside the real indexes; the
    /// answers in the order of the questions, which may be worked on side by side.
    async fn plan_all(&mut self, asks: Vec<(QueryId, CandidateSet)>) -> Result<Vec<Cost>, Self::Error>;

    /// True when the time allowed is over: the search ends with the best set that it has.
    fn is_late(&self) -> bool {
        false
    }

    /// Told whenever a better set is known: its cost as a share of today's.
    fn improved(&mut self, relative_cost: f64) {
        let _ = relative_cost;
    }
}

/// A query to be served.
#[derive(Debug, Clone)]
pub struct Target {
    /// Executions in the window, or the weight the user gave.
    pub weight: f64,
    /// False where no candidates were derived from it, because it is one of many that cost next to nothing.
    pub is_heavy: bool,
    /// Candidates derived from it.
    pub own: CandidateSet,
    /// Candidates that its plans may well use: its own, and others' that begin like one of its own.
    pub relevant: CandidateSet,
    /// Every candidate on a table that it mentions.
    pub touching: CandidateSet,
}

/// What is worth an index.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A query that costs a smaller share of the workload is looked at less closely.
    pub share_of_workload: f64,
    /// An index must save this share of what the workload still costs with it, and more than planner noise of some query…
    pub share_of_rest: f64,
    /// …or this share of some query that it serves…
    pub share_of_query: f64,
    /// …which becomes cheaper by at least this per execution: less is a page or two that are in memory anyway.
    pub least_saving: f64,
    /// And never less than this, planner units per window.
    pub least_gain: f64,
    /// A query may become this much dearer (planner noise), as a share.
    pub regression: f64,
    /// Most indexes to create; `None` for as many as pay.
    pub max_indexes: Option<usize>,
    /// Leave out what a careful engineer would: indexes of little gain, and those beside one that does their work. Published
    /// comparisons of selection algorithms do not.
    pub tidy: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            share_of_workload: 0.005,
            share_of_rest: 0.02,
            share_of_query: 0.2,
            least_saving: 8.0,
            least_gain: 10.0,
            regression: 0.10,
            max_indexes: None,
            tidy: true,
        }
    }
}

/// Less than this of an execution nobody feels, planner units: not even a page read in order.
const LEAST_FELT: f64 = 1.0;

impl Limits {
    /// True when a query that costs the one per execution and would cost the other is felt to differ: a page or two that are in
    /// memory anyway, and not much of the whole, are the planner's noise.
    pub fn is_felt(&self, with: f64, without: f64) -> bool {
        without - with >= self.least_saving.min((without * self.regression).max(LEAST_FELT))
    }
}

/// A chosen index with its part in the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Which.
    pub id: CandidateId,
    /// Its part in the fall of the total weighted cost: each query's gain, shared by the indexes of its plan.
    pub benefit: f64,
    /// What writes pay for it.
    pub write_cost: f64,
    /// Queries whose plan uses it.
    pub serves: BTreeSet<QueryId>,
}

/// Why a candidate is not in the set.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// No plan used it while the other candidates were there.
    NotUsed,
    /// Another index of the set does its work.
    CoveredBy(CandidateId),
    /// It saves less than its writes cost.
    WriteCost {
        /// Gain, planner units per window.
        gain: f64,
        /// Write cost, planner units per window.
        cost: f64,
    },
    /// It saves less in the window than building it costs.
    BuildCost {
        /// Gain less what writes pay, planner units per window.
        gain: f64,
        /// Cost of the build, planner units.
        cost: f64,
    },
    /// It would pay, but the set is full: space or number of indexes.
    OverBudget {
        /// Gain over the chosen set less what writes pay, planner units per window.
        gain: f64,
    },
    /// Beside another one, which serves its queries, it would add nothing.
    DroppedFor(CandidateId),
    /// With it the planner makes some query dearer.
    Regression {
        /// By this share of the query's cost at most.
        share: f64,
    },
    /// It would save too little.
    LowGain {
        /// Gain over the chosen set less what writes pay, planner units per window.
        gain: f64,
    },
    /// It would save a little of each of many executions: within the planner's noise.
    Noise {
        /// The most that it saves of one execution, planner units.
        saved: f64,
        /// Of this cost.
        of: f64,
    },
}

/// The answer for one budget.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Space allowed, bytes; `None` without a limit.
    pub budget: Option<f64>,
    /// Space that the chosen take, less what the dropped give back, bytes; unknown sizes are assumed, or count nothing.
    pub size_bytes: f64,
    /// By how much the best set of these candidates could be cheaper at most, as a share, if further indexes never
    /// make a plan dearer; `None` where space or number are limited: the bound is too weak to say anything then.
    pub gap: Option<f64>,
    /// Share of what indexes could save that is in queries which were looked at in depth; below 1 for a great many queries.
    pub looked_at: f64,
    /// Existing indexes that need not stay.
    pub dropped: Vec<CandidateId>,
    /// Chosen, most benefit first.
    pub chosen: Vec<Chosen>,
    /// Refused, by candidate id.
    pub refused: Vec<(CandidateId, Refusal)>,
    /// Cost per execution today, by query.
    pub before: Vec<f64>,
    /// Cost per execution with the whole set, planned afresh, by query.
    pub after: Vec<f64>,
}

/// Rounds of looking around a set and choosing again, beside one or two for the breadth of the look.
const ROUNDS: usize = 1;
/// Rounds in which the master chooses and the planner answers, without looking around.
const AGREE: usize = 6;
/// Disturbed rounds of the master's local search, while more is learned and when all is known.
const EFFORT: usize = 8;
const LAST_EFFORT: usize = 40;

/// Chooses, for each budget in bytes (smallest first); for as much as pays where none is given. Deterministic: the same
/// answers give the same sets, whatever the order of the queries' answers.
pub async fn select<O: Oracle>(
    oracle: &mut O,
    candidates: &[Candidate],
    targets: &[Target],
    limits: Limits,
    budgets: &[f64],
) -> Result<Vec<Selection>, O::Error> {
    let mut search = Search::new(oracle, candidates, targets, limits);
    let rooms: Vec<Room> = search.rooms(budgets);
    let useful = search.peel().await?;
    if rooms.iter().any(Room::is_tight) {
        // What serves worst for little space matters only where space is short.
        search.singles(&useful).await?;
        search.one_less().await?;
    }
    let mut sets: Vec<Set> = Vec::new();
    // From much space to little: the larger set is a good start for the smaller one.
    for room in rooms.iter().rev() {
        let start = sets.last().cloned().unwrap_or_else(|| search.start.clone());
        sets.push(search.choose(start, *room, &useful).await?);
    }
    sets.reverse();
    let mut known = vec![0; rooms.len()];
    for n in (0..rooms.len()).flat_map(|_| 0..rooms.len()) {
        // What was learned for one space may be the answer for another; and all is known now, so the master may take its time.
        if known[n] < search.facts.len() {
            sets[n] = search.agree(sets[n].clone(), rooms[n], &useful, LAST_EFFORT).await?;
            known[n] = search.facts.len();
        }
    }
    if limits.tidy {
        for (set, room) in sets.iter_mut().zip(&rooms) {
            search.tidy(set, *room, &useful).await?;
        }
    }
    let refusals: Vec<_> = sets.iter().zip(&rooms).map(|(set, room)| search.refusals(set, *room, &useful)).collect();
    search.start_afresh();
    let mut selections = Vec::new();
    for ((mut set, room), refused) in sets.into_iter().zip(rooms).zip(refusals) {
        let blamed = search.verify(&mut set, room).await?;
        selections.push(search.selection(&set, room, refused, blamed).await?);
    }
    Ok(selections)
}

/// True when `narrow` has the leading key of `wide` and some of its others (in whatever order and direction) over the same rows.
/// Without the leading key, which finds the rows, what is left could only walk through the table in order.
fn narrows(narrow: &IndexSpec, wide: &IndexSpec) -> bool {
    let same_rows = narrow.table == wide.table && narrow.method == wide.method && narrow.predicate == wide.predicate;
    let leads = narrow.keys.first().map(|k| &k.expr) == wide.keys.first().map(|k| &k.expr);
    let holds =
        |k: &KeySpec| wide.keys.iter().any(|w| w.expr == k.expr) || k.column_name().is_some_and(|c| wide.include.iter().any(|i| i == c));
    let fewer = narrow.keys.len() + narrow.include.len() < wide.keys.len() + wide.include.len();
    same_rows && leads && fewer && narrow.include.iter().all(|c| wide.include.contains(c)) && narrow.keys.iter().all(holds)
}

/// True when both have the same keys in whatever order over the same rows.
fn permutes_keys(a: &IndexSpec, b: &IndexSpec) -> bool {
    let same_rows = a.table == b.table && a.method == b.method && a.predicate == b.predicate && a.include == b.include;
    same_rows && a.keys.len() == b.keys.len() && a.keys.iter().all(|k| b.keys.iter().any(|w| w.expr == k.expr))
}

impl<O: Oracle> Search<'_, O> {
    /// Room for each budget. What exists and may go counts: dropping it gives its space back.
    fn rooms(&self, budgets: &[f64]) -> Vec<Room> {
        let here: f64 = self.start.iter().map(|id| self.bytes(id)).sum();
        let indexes = self.limits.max_indexes.unwrap_or(usize::MAX);
        let room = |bytes: f64| Room { bytes, indexes };
        if budgets.is_empty() { vec![room(f64::INFINITY)] } else { budgets.iter().map(|b| room(b + here)).collect() }
    }

    /// The best set for a room that is found from `start`.
    async fn choose(&mut self, start: Set, room: Room, useful: &Set) -> Result<Set, O::Error> {
        let mut set = self.agree(start, room, useful, EFFORT).await?;
        let rounds = if room.is_tight() { ROUNDS + self.breadth() } else { 0 };
        for _ in 0..rounds {
            if self.hurried {
                break;
            }
            self.look_around(&set, useful, room.bytes).await?;
            self.shake(&set, useful).await?;
            self.additions(&set, useful, room.bytes).await?;
            let better = self.agree(set.clone(), room, useful, EFFORT).await?;
            if better == set {
                break;
            }
            set = better;
        }
        Ok(set)
    }

    /// Lets the master choose and the planner answer until both agree.
    async fn agree(&mut self, start: Set, room: Room, useful: &Set, effort: usize) -> Result<Set, O::Error> {
        let mut best: Option<(Set, f64)> = None;
        let mut from = start;
        for _ in 0..AGREE {
            let (set, claimed) = self.master(useful, room).solve(&from, room, if room.is_tight() { effort } else { 0 });
            let real = self.objective(&set).await?;
            let better = best.as_ref().is_none_or(|(_, cost)| real < *cost);
            if better {
                best = Some((set.clone(), real));
                self.tell(real);
            }
            if !better || real >= claimed * (1.0 - 1e-6) {
                break;
            }
            from = set;
        }
        Ok(best.map(|(set, _)| set).unwrap_or_default())
    }

    /// The plans known so far over the useful candidates and what exists. An index of unknown size is no member where space
    /// is counted, and takes none where it is not.
    fn master(&self, useful: &Set, room: Room) -> Master {
        let member = |id: CandidateId| Member {
            id,
            size: Some(self.bytes(id)).filter(|bytes| bytes.is_finite()).unwrap_or(0.0),
            write: self.candidates[id].writes.cost,
            is_new: self.candidates[id].existing.is_none(),
        };
        let members = useful.union(&self.start).iter().filter(|id| self.may_fit(*id, room.bytes)).map(member).collect();
        let plans = self.ids().map(|q| self.facts.of(q).iter().map(|fact| (self.queries[q].weight * fact.total, &fact.used)).collect());
        Master::new(members, plans)
    }

    fn tell(&mut self, cost: f64) {
        let today = self.reads(&self.start);
        if today > 0.0 {
            self.oracle.improved(cost / today);
        }
    }
}

#[cfg(test)]
mod tests;
