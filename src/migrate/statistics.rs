//! Extended statistics to a step of a migration.

use super::Options;
use crate::model::index_def::TableName;
use crate::model::report::AdvisedStatistics;
use crate::model::step::{Lock, Step, StepKind};
use crate::model::text::{one_line, squeeze};
use crate::read::statistics_ddl;

/// The step that makes advised statistics and lets the planner know them. The error says why the advice
/// cannot become a step.
pub fn step(advice: &AdvisedStatistics, options: &Options) -> Result<Step, String> {
    let refuse = |what: String| format!("advice {}: {what}", one_line(&advice.id));
    let create =
        statistics_ddl::statement(&advice.ddl).map_err(|what| refuse(format!("this is no CREATE STATISTICS of columns: {what}")))?;
    let table = TableName::new(&advice.schema, &advice.table);
    if create.table != table || create.schema != advice.schema || create.name != advice.name {
        return Err(refuse(format!("its statement does not do what it says: {}", squeeze(&advice.ddl))));
    }
    let first = if options.after_apply { create.sql_if_not_exists() } else { create.sql() };
    Ok(Step {
        id: advice.id.clone(),
        kind: StepKind::Statistics,
        index: create.object(),
        table: Some(table),
        sql: vec![first, create.analyze_sql()],
        undo: vec![create.drop_sql()],
        outside_transaction: false,
        lock: Lock::ShareUpdateExclusive,
        hazards: vec!["plans of all queries on these columns may change once ANALYZE has run".into()],
        reason: advice.reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_advice_says_becomes_a_step() {
        let good = AdvisedStatistics {
            name: "n".into(),
            schema: "s".into(),
            table: "t".into(),
            ddl: "CREATE STATISTICS \"s\".\"n\" (mcv) ON \"a\", \"b\" FROM \"s\".\"t\"".into(),
            then: "DROP TABLE t".into(),
            ..AdvisedStatistics::default()
        };
        let step = step(&good, &Options::default()).unwrap();
        assert_eq!(step.sql, [good.ddl.clone(), "ANALYZE \"s\".\"t\" (\"a\", \"b\")".into()]);
        assert_eq!(step.undo, ["DROP STATISTICS \"s\".\"n\""]);
        for bad in [
            AdvisedStatistics { table: "u".into(), ..good.clone() },
            AdvisedStatistics { name: "m".into(), ..good.clone() },
            AdvisedStatistics { ddl: "DROP TABLE t".into(), ..good },
        ] {
            assert!(super::step(&bad, &Options::default()).is_err(), "{bad:?}");
        }
    }
}
