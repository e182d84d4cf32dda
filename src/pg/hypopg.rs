//! Hypothetical indexes on the analysed server itself, through the HypoPG extension: they live in
//! our session's memory alone and go with it. B-trees only are offered here; sizes are HypoPG's.

use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Unbuilt};
use crate::model::failure::{Failure, FailureKind};
use crate::model::plan::Plan;
use crate::model::text::quote_ident;
use crate::pg::error::describe;
use crate::pg::session::Session;
use crate::pg::statements::{HYPOPG_CREATE, HYPOPG_DROP};
use futures_util::future::{join_all, try_join, try_join_all};
use std::collections::BTreeMap;

/// How candidates are called in plans.
const LASTING: &str = "<candidate>";

/// HypoPG in one session.
pub struct Hypopg {
    session: Session,
    ddl: Vec<String>,
    present: BTreeMap<CandidateId, u32>,
}

impl Hypopg {
    /// Takes a session for trials. `schema` is where the extension lives.
    pub async fn enter(session: Session, schema: &str) -> Result<Hypopg, Failure> {
        // Its functions are found by search_path; the queries' own path is set per transaction.
        let path = format!("SET search_path = {}", quote_ident(schema));
        session.client.batch_execute(&path).await.map_err(|e| Failure::new(FailureKind::Connect, describe(&e)))?;
        Ok(Hypopg { session, ddl: Vec::new(), present: BTreeMap::new() })
    }

    /// The session on which queries are planned.
    pub fn planner(&self) -> &Session {
        &self.session
    }

    /// Tries each candidate once; those that HypoPG or the server refuses come back with the reason.
    pub async fn add_candidates(&mut self, candidates: &[Candidate]) -> Result<Vec<(CandidateId, Unbuilt)>, Failure> {
        self.ddl = candidates.iter().map(|c| format!("CREATE INDEX ON {}{}", c.spec.table.quoted(), c.spec.tail_sql())).collect();
        let tried = join_all((0..candidates.len()).map(|id| self.try_one(id))).await;
        let mut refused = Vec::new();
        for (id, outcome) in tried.into_iter().enumerate() {
            match outcome {
                // Planning beside a hypothetical BRIN index fails now and then (seen with 1.3.1: floating-point exception).
                Ok(()) if candidates[id].spec.method == "brin" => {
                    refused.push((id, Unbuilt::Refused("HypoPG does not plan with BRIN reliably".into())))
                }
                Ok(()) => {}
                Err(error) if self.session.closed() => return Err(Failure::new(FailureKind::Connect, describe(&error))),
                Err(error) => refused.push((id, Unbuilt::Refused(describe(&error)))),
            }
        }
        Ok(refused)
    }

    /// Makes exactly these candidates visible to the planner.
    pub async fn show(&mut self, set: &CandidateSet) -> Result<(), Failure> {
        let fail = |e: tokio_postgres::Error| Failure::new(FailureKind::Connect, format!("HypoPG failed: {}", describe(&e)));
        let gone: Vec<CandidateId> = self.present.keys().filter(|id| !set.contains(id)).copied().collect();
        let oids: Vec<u32> = gone.iter().filter_map(|id| self.present.remove(id)).collect();
        let new: Vec<CandidateId> = set.iter().filter(|id| !self.present.contains_key(id)).copied().collect();
        // All on their way at once: the connection answers in order.
        let dropped = try_join_all(oids.into_iter().map(|oid| self.drop(oid)));
        let created = try_join_all(new.iter().map(|id| self.create(*id)));
        let (_, created) = try_join(dropped, created).await.map_err(fail)?;
        self.present.extend(new.into_iter().zip(created));
        Ok(())
    }

    /// Gives the candidates in a plan just made names that last: HypoPG calls them `<OID>btree_…`, and hands an OID
    /// out again once its index is gone.
    pub fn name_candidates(&self, plan: &mut Plan) {
        let mut stack = vec![&mut plan.root];
        while let Some(node) = stack.pop() {
            if let Some(id) = node.index_name.as_deref().and_then(|index| self.shown(index)) {
                node.index_name = Some(format!("{LASTING}{id}"));
            }
            stack.extend(node.children.iter_mut());
        }
    }

    /// The candidate behind an index in a plan of [`Hypopg::name_candidates`].
    pub fn candidate(&self, index: &str) -> Option<CandidateId> {
        index.strip_prefix(LASTING)?.parse().ok()
    }

    fn shown(&self, index: &str) -> Option<CandidateId> {
        let oid: u32 = index.strip_prefix('<')?.split_once('>')?.0.parse().ok()?;
        self.present.iter().find(|(_, o)| **o == oid).map(|(id, _)| *id)
    }

    /// Creates a candidate and forgets it.
    async fn try_one(&self, id: CandidateId) -> Result<(), tokio_postgres::Error> {
        let oid = self.create(id).await?;
        self.drop(oid).await
    }

    async fn create(&self, id: CandidateId) -> Result<u32, tokio_postgres::Error> {
        self.session.client.query_one(HYPOPG_CREATE.sql, &[&self.ddl[id]]).await?.try_get("oid")
    }

    async fn drop(&self, oid: u32) -> Result<(), tokio_postgres::Error> {
        self.session.client.query_one(HYPOPG_DROP.sql, &[&oid]).await.map(|_| ())
    }
}
