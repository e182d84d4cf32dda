//! Statistics, written into pg_statistic.

use super::broken;
use crate::model::blueprint::{ColumnStatistics, Slot};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::pg::session::Session;
use crate::pg::statements;

/// Writes all of them; the problems name what is lost.
pub(super) async fn write(admin: &Session, statistics: &[ColumnStatistics]) -> Result<Vec<Problem>, Failure> {
    let statement = admin.client.prepare(statements::CLONE_PUT_STATISTICS.sql).await.map_err(broken)?;
    let mut lost = 0;
    for row in statistics {
        let slot = |kind: i16| row.slots.iter().find(|s| s.kind == kind);
        let values = |kind: i16| slot(kind).and_then(|s| s.values.clone());
        let numbers = |kind: i16| slot(kind).and_then(|s| s.numbers.clone());
        let (common, common_freqs, histogram) = (values(Slot::COMMON), numbers(Slot::COMMON), values(Slot::HISTOGRAM));
        let correlation = numbers(Slot::CORRELATION).and_then(|n| n.first().copied());
        let (elements, element_freqs, counts) = (values(Slot::ELEMENTS), numbers(Slot::ELEMENTS), numbers(Slot::ELEMENT_COUNTS));
        let parameters: [&(dyn postgres_types::ToSql + Sync); 14] = [
            &row.schema,
            &row.relation,
            &row.column,
            &row.inherited,
            &row.null_frac,
            &row.avg_width,
            &row.n_distinct,
            &common,
            &common_freqs,
            &histogram,
            &correlation,
            &elements,
            &element_freqs,
            &counts,
        ];
        // Each row for itself: within one transaction every savepoint would hold a lock to its end.
        if admin.client.execute(&statement, &parameters).await.is_err() {
            lost += 1;
        }
    }
    let message = format!("statistics of {lost} columns could not be written: their types are missing here");
    Ok((lost > 0).then(|| Problem { source: "what-if clone".into(), message }).into_iter().collect())
}
