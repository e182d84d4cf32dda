//! Where a change comes from and where its entry goes: file, checksum, cluster; and what an earlier run recorded under the same id.

use super::plan::Planned;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::ledger::{Entry, Motion, State};
use crate::model::text::{one_line, squeeze};
use crate::pg::build::Control;
use crate::pg::ledger;

/// Completes an entry that is about to be planned, and holds it against the ledger's own of that id.
/// Remarks that are true whatever there is to do.
pub(super) async fn complete(control: &Control, planned: &mut Planned) -> Result<Vec<String>, Failure> {
    let mut remarks = planned.wanted.remarks.clone();
    let Some(entry) = planned.entry.as_mut() else { return Ok(remarks) };
    let known = if ledger::exists(control).await? { ledger::entries(control, Some(&entry.id)).await?.pop() } else { None };
    entry.source = planned.wanted.source.clone();
    entry.system = control.server.system;
    match known {
        Some(known) => {
            let refusal = other_cluster(&known, control.server.system).or_else(|| other_statement(planned, &known));
            match refusal {
                Some((what, hints)) => (planned.refused, planned.hints) = (Some(what), hints),
                None => remarks.extend(other_file(planned, &known)),
            }
        }
        None => remarks.extend(built_elsewhere(control, planned).await?),
    }
    Ok(remarks)
}

/// The same statement, in a file that says something else than when it was applied.
fn other_file(planned: &Planned, known: &Entry) -> Option<String> {
    let (now, then) = planned.wanted.source.as_ref().zip(known.source.as_ref())?;
    let (file, applied) = (one_line(&now.file), one_line(&then.file));
    (in_force(known) && now.checksum != then.checksum)
        .then(|| format!("{file} differs from what was applied as {applied} (checksum {}, now {})", then.checksum, now.checksum))
}

fn in_force(known: &Entry) -> bool {
    known.owned && known.state != State::RolledBack
}

/// An entry that came with a dump: what it owns is not what has those OIDs here.
pub(in crate::flow) fn other_cluster(known: &Entry, system: Option<i64>) -> Option<(String, Vec<String>)> {
    let (then, now) = known.system.zip(system).filter(|_| known.is_of_another_cluster(system))?;
    let what =
        format!("ledger entry {} was written in another cluster ({then}, this is {now}): its OIDs mean nothing here", one_line(&known.id));
    Some((
        what,
        vec![
            "restored from a dump: DROP SCHEMA advisor CASCADE; begins anew, and keeps every index".to_owned(),
            format!("after pg_upgrade, which keeps OIDs: UPDATE advisor.ledger SET system = {now} WHERE system = {then};"),
        ],
    ))
}

/// An id names one statement for as long as it is in force: rollback undoes what was applied, not what a file says now.
fn other_statement(planned: &Planned, known: &Entry) -> Option<(String, Vec<String>)> {
    let same = match (&planned.wanted.ddl, known.motion) {
        (Ddl::Create(wanted), Motion::Create | Motion::CreateParent) => *wanted == known.definition.create,
        (Ddl::Drop(index), Motion::Drop) => *index == known.index,
        // A step of a replacement: judged with the steps around it.
        (_, Motion::Rename) => true,
        _ => false,
    };
    if same || !in_force(known) {
        return None;
    }
    let id = one_line(&known.id);
    Some((
        format!("{id} was applied as another statement: {}", squeeze(&known.up_sql())),
        vec![
            format!("advisor rollback {id} takes that one back; then apply this one"),
            format!("or delete the line `-- Advice {id} …` from the file: then it is a change of its own"),
        ],
    ))
}

/// An index with the mark of a ledger file that is not here.
async fn built_elsewhere(control: &Control, planned: &Planned) -> Result<Option<String>, Failure> {
    let relation = control.relation(&planned.wanted.ddl.index()).await?;
    let mark = relation.as_ref().and_then(|r| r.definition.as_ref()).and_then(|d| d.mark());
    Ok(mark.map(|id| {
        let id = one_line(id);
        format!("its comment says that advisor built it as {id}, recorded in a ledger file of another machine or user: roll it back there, or copy that file here and name it with --ledger")
    }))
}
