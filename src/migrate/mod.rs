//! Floor 2a: advice to migration steps, steps to files. Pure: reads no file and no database.

mod check;
pub mod formats;
mod partition;
mod reread;
mod statistics;

pub use partition::members;
pub use reread::reread;
pub use statistics::step as statistics_step;

use crate::model::ddl::{CreateIndex, Ddl, IndexName};
use crate::model::index_def::TableName;
use crate::model::report::{Action, AdvisedIndex};
use crate::model::step::{Lock, Member, Step, StepKind};
use crate::model::text::{one_line, squeeze};
use crate::read::index_ddl::statement;

/// How steps are written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// For a database where `apply` may have built the index already: IF NOT EXISTS, then a check
    /// that fails when the index is missing, invalid or different.
    pub after_apply: bool,
}

/// Steps of one advised change. `members` are the partitions of a partitioned table, which only
/// its catalog knows. The error says why the advice cannot become steps.
pub fn steps(advice: &AdvisedIndex, members: Option<&[Member]>, options: &Options) -> Result<Vec<Step>, String> {
    let refuse = |what: String| format!("advice {}: {what}", one_line(&advice.id));
    let ddl = read(advice).map_err(refuse)?;
    match (&ddl, advice.partitioned) {
        (Ddl::Create(create), true) => {
            let members = members.filter(|m| !m.is_empty()).ok_or_else(|| {
                refuse(format!(
                    "{} is partitioned, and the report does not hold its partitions",
                    TableName::new(&advice.schema, &advice.table)
                ))
            })?;
            Ok(partition::recipe(advice, create, members))
        }
        (Ddl::Create(create), false) => Ok(vec![create_step(advice, create, options)]),
        (Ddl::Drop(index), false) => Ok(vec![drop_step(advice, index, undo_of_drop(advice).map_err(refuse)?)]),
        _ => Err(refuse("an index of a partitioned table cannot be dropped without blocking it; drop it by hand".into())),
    }
}

/// The statement of an advice, read by our grammar and agreeing with the advice's own names.
pub fn read(advice: &AdvisedIndex) -> Result<Ddl, String> {
    // The report's form for a whole partitioned table is the blocking one; the recipe never runs it.
    let concurrent = |prefix: &str| advice.ddl.strip_prefix(prefix).map(|rest| format!("{prefix}CONCURRENTLY {rest}"));
    let text = match advice.partitioned && !advice.ddl.contains(" CONCURRENTLY ") {
        true => concurrent("CREATE INDEX ").or_else(|| concurrent("CREATE UNIQUE INDEX ")).unwrap_or_default(),
        false => advice.ddl.clone(),
    };
    let ddl =
        statement(&text).map_err(|what| format!("only CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY are run, this is: {what}"))?;
    let named = IndexName::new(&advice.schema, &advice.name);
    let agrees = match (&ddl, advice.action) {
        (Ddl::Create(create), Action::Create) => create.index() == named && create.table.name == advice.table,
        (Ddl::Drop(index), Action::Drop) => *index == named,
        _ => false,
    };
    if agrees { Ok(ddl) } else { Err(format!("its statement does not do what it says: {}", squeeze(&advice.ddl))) }
}

fn create_step(advice: &AdvisedIndex, create: &CreateIndex, options: &Options) -> Step {
    let sql = if options.after_apply { check::create_or_check(create, &advice.id) } else { vec![create.sql()] };
    let mut hazards = vec!["a build that fails or is stopped leaves an INVALID index: drop it before the next try".to_owned()];
    if create.unique {
        hazards.push("UNIQUE: the build fails on duplicates, and writes that would make one fail from the validation phase on".into());
    }
    Step {
        id: advice.id.clone(),
        kind: StepKind::Create,
        index: create.index(),
        table: Some(create.table.clone()),
        sql,
        undo: vec![create.index().drop_sql()],
        outside_transaction: true,
        lock: Lock::ShareUpdateExclusive,
        hazards,
        reason: advice.reason.clone(),
    }
}

fn drop_step(advice: &AdvisedIndex, index: &IndexName, undo: Vec<String>) -> Step {
    let hazards = match undo.is_empty() {
        true => vec!["the index is INVALID: undoing this step does not bring it back".to_owned()],
        false => vec!["plans change at once; undoing this step builds the index anew".to_owned()],
    };
    Step {
        id: advice.id.clone(),
        kind: StepKind::Drop,
        index: index.clone(),
        table: Some(TableName::new(&advice.schema, &advice.table)),
        sql: vec![index.drop_sql()],
        undo,
        outside_transaction: true,
        lock: Lock::ShareUpdateExclusive,
        hazards,
        reason: advice.reason.clone(),
    }
}

/// The old definition: CREATE INDEX CONCURRENTLY first, then comment and statistics targets of the same index.
fn undo_of_drop(advice: &AdvisedIndex) -> Result<Vec<String>, String> {
    let named = IndexName::new(&advice.schema, &advice.name);
    let mut statements = Vec::new();
    for (at, text) in advice.undo.iter().enumerate() {
        let ddl = statement(text).map_err(|what| format!("its undo holds something else than an index's definition: {what}"))?;
        let fits = match &ddl {
            Ddl::Create(create) => at == 0 && create.table.name == advice.table,
            Ddl::Comment(..) | Ddl::Statistics(..) => at > 0,
            Ddl::Drop(_) => false,
        };
        if !fits || ddl.index() != named {
            return Err(format!("its undo does not rebuild the index: {}", squeeze(text)));
        }
        statements.push(ddl.sql());
    }
    Ok(statements)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn advice(action: Action, name: &str, table: &str, ddl: String, undo: Vec<String>) -> AdvisedIndex {
        AdvisedIndex {
            id: "0123abcd".into(),
            action,
            name: name.into(),
            schema: "s".into(),
            table: table.into(),
            ddl,
            undo,
            size_bytes: None,
            write_cost: 0.0,
            queries: vec![],
            benefit: 1.0,
            reason: "serves x\n; drop table t; --".into(),
            replaces: vec![],
            partitioned: false,
            owner: None,
            ..AdvisedIndex::default()
        }
    }

    const CREATE: &str = "CREATE INDEX CONCURRENTLY \"i\" ON \"s\".\"t\" USING btree (\"a\")";

    #[test]
    fn a_create_is_one_statement_and_its_undo_one_drop() {
        let advice = advice(Action::Create, "i", "t", CREATE.into(), vec!["drop table t".into()]);
        let steps = steps(&advice, None, &Options::default()).unwrap();
        assert_eq!(steps[0].sql, ["CREATE INDEX CONCURRENTLY \"i\" ON \"s\".\"t\" USING btree (\"a\")"]);
        assert_eq!(steps[0].undo, ["DROP INDEX CONCURRENTLY \"s\".\"i\""]);
    }

    #[test]
    fn a_drop_keeps_definition_comment_and_statistics() {
        let undo = vec![
            CREATE.to_owned(),
            "COMMENT ON INDEX \"s\".\"i\" IS 'x'".into(),
            "ALTER INDEX \"s\".\"i\" ALTER COLUMN 1 SET STATISTICS 9".into(),
        ];
        let good = advice(Action::Drop, "i", "t", "DROP INDEX CONCURRENTLY \"s\".\"i\"".into(), undo);
        assert_eq!(steps(&good, None, &Options::default()).unwrap()[0].undo.len(), 3);
    }

    #[test]
    fn advice_whose_statements_do_something_else_is_refused() {
        let drop_other = "DROP INDEX CONCURRENTLY \"s\".\"j\"".to_owned();
        for bad in [
            advice(Action::Create, "i", "t", drop_other.clone(), vec![]),
            advice(Action::Create, "i", "u", CREATE.into(), vec![]),
            advice(Action::Create, "i", "t", format!("{CREATE}; drop table t"), vec![]),
            advice(Action::Drop, "i", "t", drop_other.clone(), vec![]),
            advice(Action::Drop, "j", "t", drop_other.clone(), vec!["drop table t".into()]),
            advice(Action::Drop, "j", "t", drop_other, vec![CREATE.into()]),
        ] {
            assert!(steps(&bad, None, &Options::default()).is_err(), "{bad:?}");
        }
    }
}
