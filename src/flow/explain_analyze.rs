//! `--explain-analyze`: really runs the SELECTs that are proved harmless.

use super::plans;
use crate::model::catalog::Catalog;
use crate::model::failure::Failure;
use crate::model::query::{PlanOrigin, Query, QueryPlan, StatementKind};
use crate::model::snapshot::Snapshot;
use crate::pg::session::Session;
use indicatif::ProgressBar;

/// Runs each of the first `most` queries once under EXPLAIN ANALYZE; what is not run says why.
pub(super) async fn run_workload(session: &Session, snapshot: &mut Snapshot, most: usize, progress: &ProgressBar) -> Result<(), Failure> {
    let catalog = std::mem::take(&mut snapshot.catalog);
    for query in snapshot.workload.iter_mut().take(most) {
        progress.inc(1);
        match run_query(session, query, &catalog).await {
            Ok(plan) => query.plans.push(QueryPlan { origin: PlanOrigin::Analyzed, plan }),
            Err(reason) => {
                query.not_planned.get_or_insert(format!("not run: {reason}"));
            }
        }
    }
    snapshot.catalog = catalog;
    Ok(())
}

async fn run_query(session: &Session, query: &Query, catalog: &Catalog) -> Result<crate::model::plan::Plan, String> {
    match query.shape() {
        Some(shape) if shape.kind == StatementKind::Other => return Err("it is not a SELECT".into()),
        Some(shape) if shape.kind != StatementKind::Select => return Err("it writes".into()),
        Some(shape) if shape.locking => return Err("it locks rows".into()),
        Some(_) => {}
        None => return Err("it was not understood".into()),
    }
    plans::run(session, query, catalog).await
}
