//! SQL files for psql: a pair per step.

use super::{File, Format, slug};
use crate::model::ledger::Source;
use crate::model::step::{Step, StepKind};
use crate::model::text::{one_line, squeeze};

pub(super) static ENTRY: Format = Format {
    name: "plain",
    about: "pairs of SQL files for psql: STAMP_NN_NAME.up.sql and .down.sql",
    leaves_transaction: "psql -f sends each statement by itself; never with -1 / --single-transaction",
    undoes: "the .down.sql files, last number first",
    files,
};

fn files(steps: &[Step], stamp: &str) -> Vec<File> {
    let pair = |(at, step): (usize, &Step)| {
        let base = format!("{stamp}_{:02}_{}", at + 1, slug(&format!("{}{}", part(step.kind), step.index.name)));
        [
            File { text: up(step, &base), name: format!("{base}.up.sql") },
            File { text: down(step, &base), name: format!("{base}.down.sql") },
        ]
    };
    steps.iter().enumerate().flat_map(pair).collect()
}

fn part(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Create | StepKind::CreateOnParent | StepKind::BuildPartition | StepKind::Statistics => "",
        StepKind::Drop => "drop_",
        StepKind::Attach => "attach_",
        StepKind::Check => "check_",
    }
}

fn title(step: &Step) -> String {
    let table = step.table.as_ref().map(|t| format!(" on {t}")).unwrap_or_default();
    match step.kind {
        StepKind::Create => format!("Create index {}{table}.", step.index),
        StepKind::Drop => format!("Drop index {}{table}.", step.index),
        StepKind::CreateOnParent => format!("Partitioned table: index {}{table} alone, not valid until every partition is attached.", step.index),
        StepKind::BuildPartition => format!("Partition: index {}{table}.", step.index),
        StepKind::Attach => format!("Partition: attach index {}{table}.", step.index),
        StepKind::Statistics => format!("Create statistics {}{table}.", step.index),
        StepKind::Check => format!("Fails unless index {}{table} is valid.", step.index),
    }
}

fn up(step: &Step, base: &str) -> String {
    let mut lines = vec![title(step)];
    if !step.reason.is_empty() {
        lines.push(format!("Why: {}", squeeze(&step.reason)));
    }
    lines.push(format!("Advice {}. Lock: {}.", one_line(&step.id), step.lock.text()));
    let checksum = Source::checksum(step.sql.iter().map(String::as_str));
    lines.push(format!("Checksum {checksum} of the statements below: `advisor apply` says when they were edited."));
    lines.extend(step.hazards.iter().map(|h| format!("Mind: {h}.")));
    if step.outside_transaction {
        lines.push("Runs outside a transaction block: never with psql -1.".into());
    }
    if step.kind == StepKind::Statistics {
        lines.push("Not for `advisor apply`, which changes indexes only: run it with psql.".into());
    }
    lines.push(format!("psql -v ON_ERROR_STOP=1 -f {base}.up.sql"));
    text(&lines, &step.sql)
}

fn down(step: &Step, base: &str) -> String {
    let mut lines = vec![format!("Undoes {base}.up.sql.")];
    match (step.undo.is_empty(), step.kind) {
        (true, StepKind::Drop) => lines.push("Nothing to do: the dropped index was INVALID and is not brought back.".into()),
        (true, _) => lines.push("Nothing to do.".into()),
        (false, _) => lines.push(format!("psql -v ON_ERROR_STOP=1 -f {base}.down.sql")),
    }
    text(&lines, &step.undo)
}

fn text(comment: &[String], statements: &[String]) -> String {
    let comment = comment.iter().map(|line| format!("-- {line}\n"));
    comment.chain(statements.iter().map(|sql| format!("{sql};\n"))).collect()
}

#[cfg(test)]
mod tests {
    use crate::migrate::{Options, steps, tests::advice};
    use crate::model::step::Member;
    use crate::model::index_def::TableName;
    use crate::model::report::Action;
    use crate::read::{index_ddl, split::statements};

    const HOSTILE: &str = "x\n; drop table t; --\u{202e}\"\\! ls";

    fn files(advice: &crate::model::report::AdvisedIndex, members: Option<&[Member]>, options: &Options) -> Vec<super::File> {
        super::files(&steps(advice, members, options).unwrap(), "20260101000000")
    }

    fn hostile() -> crate::model::report::AdvisedIndex {
        let spec = crate::model::index_def::IndexSpec::btree(
            TableName::new("s", HOSTILE),
            vec![crate::model::index_def::KeySpec::column(HOSTILE)],
        );
        advice(Action::Create, HOSTILE, HOSTILE, spec.create_sql(HOSTILE, true), vec![])
    }

    #[test]
    fn hostile_names_stay_in_their_place() {
        let pair = files(&hostile(), None, &Options::default());
        assert_eq!(pair[0].name, "20260101000000_01_x_drop_table_t_ls.up.sql");
        for file in &pair {
            let read = index_ddl::file(&file.text).unwrap();
            assert_eq!(read.iter().map(|d| d.index().name).collect::<Vec<_>>(), [HOSTILE]);
            assert!(statements(&file.text)[0].comments.iter().all(|c| !c.contains(['\u{202e}', '\n'])));
        }
    }

    #[test]
    fn a_check_follows_if_not_exists() {
        let pair = files(&hostile(), None, &Options { after_apply: true });
        let up = statements(&pair[0].text);
        assert!(up[0].text.starts_with("CREATE INDEX CONCURRENTLY IF NOT EXISTS "));
        assert_eq!((up.len(), up[3].text.starts_with("SELECT CASE"), up.iter().all(|p| p.complete)), (5, true, true));
    }

    #[test]
    fn a_partitioned_table_gets_its_recipe() {
        let mut advice = advice(Action::Create, "i", "p", "CREATE INDEX \"i\" ON \"s\".\"p\" USING btree (\"a\")".into(), vec![]);
        advice.partitioned = true;
        assert!(steps(&advice, None, &Options::default()).is_err());
        let (top, sub) = (TableName::new("s", "p"), TableName::new("s", "sub"));
        let member = |name: &str, parent: &TableName, level, leaf| {
            let table = TableName::new("s", name);
            Member { oid: 0, table, parent: parent.clone(), level, leaf }
        };
        let members = [member("p1", &top, 1, true), member("sub", &top, 1, false), member("sub1", &sub, 2, true)];
        let files = files(&advice, Some(&members), &Options::default());
        let ups: Vec<&str> = files.iter().map(|f| f.name.as_str()).filter(|n| n.ends_with(".up.sql")).collect();
        assert_eq!(ups.len(), 8, "{ups:?}");
        assert!(ups[4].contains("attach_sub1_") && ups[7].contains("check_i"), "{ups:?}");
        assert!(files[8].text.contains("ALTER INDEX \"s\".\"sub_idx_"), "{}", files[8].text);
    }
}
