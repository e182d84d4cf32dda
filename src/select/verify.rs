//! The last word: every query planned afresh with the whole set.

use super::change::Change;
use super::search::Search;
use super::set::Set;
use super::{Oracle, Refusal};
use crate::model::candidate::CandidateId;

impl<O: Oracle> Search<'_, O> {
    /// Drops what no plan uses and what makes a query dearer, until neither is left. Returns the latter, each with by how much.
    pub(super) async fn verify(&mut self, set: &mut Set) -> Result<Vec<(CandidateId, Refusal)>, O::Error> {
        let start = self.start.clone();
        let mut blamed = Vec::new();
        loop {
            self.must_know(&start).await?;
            self.must_know(set).await?;
            let (mut used, mut culprits, mut worst) = (Vec::new(), Vec::new(), 0.0f64);
            for query in self.ids() {
                let (before, after) = (self.weighted(query, &start), self.weighted(query, set));
                let plan = self.known(query, &self.part(query, set)).used;
                if after > before * (1.0 + self.limits.regression) && after - before >= self.limits.least_gain {
                    culprits.extend(plan.iter());
                    worst = worst.max(if before > 0.0 { after / before - 1.0 } else { 0.0 });
                }
                used.extend(plan.iter());
            }
            let (used, culprits): (Set, Set) = (used.into_iter().collect(), culprits.into_iter().collect());
            // An existing index is not there for the plans that we know alone: that none uses it is no reason to drop it.
            let idle = set.minus(&used).minus(&start);
            if !idle.is_empty() {
                *set = set.minus(&idle);
                continue;
            }
            match self.least_missed(set, &culprits.minus(&start)).await? {
                Some(culprit) => {
                    *set = set.without(culprit);
                    blamed.push((culprit, Refusal::Regression { share: worst }));
                }
                None => return Ok(blamed),
            }
        }
    }

    async fn least_missed(&mut self, set: &Set, culprits: &Set) -> Result<Option<CandidateId>, O::Error> {
        let mut least: Option<(f64, CandidateId)> = None;
        for id in culprits.iter() {
            let loss = self.change(set, Change::without(id)).await?;
            if least.is_none_or(|(l, _)| loss < l) {
                least = Some((loss, id));
            }
        }
        Ok(least.map(|(_, id)| id))
    }
}
