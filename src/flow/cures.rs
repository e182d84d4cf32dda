//! Findings whose cure the index advice already holds point to it: who follows both must not end
//! with two indexes where one does the work of the other.

use crate::model::ddl::Ddl;
use crate::model::report::{Action, AdvisedIndex, Finding, ServedQuery};
use crate::model::text::one_line;
use crate::read::index_ddl;

/// Where an advised index begins with the keys of the one that a finding asks for, the finding names the advised one.
pub(super) fn adopt(findings: &mut [Finding], advice: &[AdvisedIndex]) {
    let creates: Vec<(&AdvisedIndex, Ddl)> =
        advice.iter().filter(|a| a.action == Action::Create).filter_map(|a| Some((a, index_ddl::statement(&a.ddl).ok()?))).collect();
    for finding in findings {
        if let Some((advised, served)) = serving(finding, advice) {
            let (name, before, after) = (one_line(&advised.name), served.cost_before, served.cost_after);
            finding.fix.text = format!("the advised index {name} serves it: cost {before:.0} → {after:.0} per execution");
            finding.fix.sql = Some(advised.ddl.clone());
            continue;
        }
        let wanted = finding.fix.sql.as_deref().and_then(|sql| index_ddl::statement(sql).ok());
        let Some(Ddl::Create(wanted)) = wanted else { continue };
        let serves = |ddl: &Ddl| matches!(ddl, Ddl::Create(made) if made.table == wanted.table && made.predicate.is_none() && begins_with(&made.body, &wanted.body));
        if let Some((advised, _)) = creates.iter().find(|(_, ddl)| serves(ddl)) {
            finding.fix.text = format!("the advised index {} does it", one_line(&advised.name));
            finding.fix.sql = Some(advised.ddl.clone());
        }
    }
}

/// The advised index that serves the query of a scan finding, on the finding's own table.
fn serving<'a>(finding: &Finding, advice: &'a [AdvisedIndex]) -> Option<(&'a AdvisedIndex, &'a ServedQuery)> {
    let query = finding.subject.query.as_ref().filter(|_| finding.rule == "full-scan")?;
    let on_it = |a: &&AdvisedIndex| {
        a.action == Action::Create && finding.subject.table.as_ref() == Some(&a.table) && finding.subject.schema.as_ref() == Some(&a.schema)
    };
    advice.iter().filter(on_it).find_map(|a| a.queries.iter().find(|q| q.fingerprint == *query).map(|q| (a, q)))
}

/// `USING btree (a, b)` begins with `USING btree (a)`.
fn begins_with(made: &str, wanted: &str) -> bool {
    wanted.strip_suffix(')').and_then(|keys| made.strip_prefix(keys)).is_some_and(|rest| rest.starts_with([',', ')', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_index_begins_with_a_narrower_one() {
        assert!(begins_with("USING btree (\"a\", \"b\" DESC)", "USING btree (\"a\")"));
        assert!(begins_with("USING btree (\"a\")", "USING btree (\"a\")"));
        assert!(!begins_with("USING btree (\"b\", \"a\")", "USING btree (\"a\")"));
        assert!(!begins_with("USING btree (\"a\"\"x\")", "USING btree (\"a\")"));
    }
}
