//! The arbiter: what a set of indexes makes of the workload's planner cost, asked of the server itself through
//! HypoPG in a fresh session. It shares nothing with the advisor that it judges.

use super::data::Query;
use super::{Outcome, broken, connect};
use advisor::model::failure::Failure;
use tokio_postgres::SimpleQueryMessage;

/// Judges sets against the workload as it is without any.
pub struct Arbiter<'a> {
    url: &'a str,
    queries: &'a [Query],
    /// Cost of each query without advice.
    base: Vec<f64>,
}

/// What a set is worth.
pub struct Verdict {
    /// Space of the set as hypopg_relation_size, 10^6 bytes.
    pub size_mb: f64,
    /// Indexes that HypoPG could make.
    pub indexes: usize,
    /// Those that it could not, with its reason.
    pub refused: Vec<String>,
    /// Sum of costs with the set / without.
    pub relative: f64,
    /// Geometric mean of the queries' own relations: here no dear query hides the others.
    pub geometric_mean: f64,
    /// The query that gets dearer than it was by most, and its relation; `None` where none does.
    pub dearest: Option<(String, f64)>,
}

impl Arbiter<'_> {
    pub async fn on<'a>(url: &'a str, queries: &'a [Query]) -> Outcome<Arbiter<'a>> {
        let mut arbiter = Arbiter { url, queries, base: Vec::new() };
        arbiter.base = arbiter.costs(&connect(url).await?).await?;
        Ok(arbiter)
    }

    /// Cost of the workload without advice.
    pub fn base(&self) -> f64 {
        self.base.iter().sum()
    }

    pub async fn judge(&self, ddl: &[String]) -> Outcome<Verdict> {
        let client = connect(self.url).await?;
        let (mut bytes, mut refused) = (0i64, Vec::new());
        for statement in ddl {
            let made = "select hypopg_relation_size(indexrelid) from hypopg_create_index($1)";
            match client.query_one(made, &[statement]).await {
                Ok(row) => bytes += row.get::<_, i64>(0),
                Err(error) => refused.push(format!("{statement}: {}", advisor::pg::error::describe(&error))),
            }
        }
        let costs = self.costs(&client).await?;
        let relations: Vec<f64> = costs.iter().zip(&self.base).map(|(with, without)| with / without).collect();
        let dearer = self.queries.iter().zip(&relations).filter(|(_, relation)| **relation > 1.0);
        let dearest = dearer.max_by(|a, b| a.1.total_cmp(b.1));
        Ok(Verdict {
            size_mb: bytes as f64 / 1e6,
            indexes: ddl.len() - refused.len(),
            refused,
            relative: costs.iter().sum::<f64>() / self.base(),
            geometric_mean: (relations.iter().map(|r| r.ln()).sum::<f64>() / relations.len() as f64).exp(),
            dearest: dearest.map(|(query, relation)| (query.name.clone(), *relation)),
        })
    }

    async fn costs(&self, client: &tokio_postgres::Client) -> Outcome<Vec<f64>> {
        let mut costs = Vec::new();
        for query in self.queries {
            let answer = client.simple_query(&format!("explain (format json) {}", query.sql)).await.map_err(broken)?;
            let lines = answer.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            let plan: serde_json::Value = serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap_or_default();
            let cost = plan.pointer("/0/Plan/Total Cost").and_then(serde_json::Value::as_f64);
            costs.push(cost.ok_or_else(|| Failure::usage(format!("{}: no plan", query.name)))?);
        }
        Ok(costs)
    }
}
