//! Schemas that a file written by hand leaves out.

use super::plan::known_entry;
use crate::flow::wanted::Wanted;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::pg::build::Control;

/// Finds them along the role's search_path: a table's, or that of the index to be dropped. A change keeps the id of what
/// was written, so that the same file means the same entry.
pub(super) async fn complete(control: &Control, changes: &mut [Wanted]) -> Result<(), Failure> {
    for wanted in changes {
        let name = match &wanted.ddl {
            Ddl::Create(create) if create.table.schema.is_empty() => create.table.name.clone(),
            Ddl::Drop(index) if index.schema.is_empty() => index.name.clone(),
            _ => continue,
        };
        let found = control.schema_of(&name).await?;
        // What was dropped before is found no more, but the ledger knows where it was.
        let known = if found.there.is_some() { None } else { known_entry(control, &wanted.id).await?.map(|entry| entry.index.schema) };
        let schema = found.there.or(known).or(found.own).unwrap_or_else(|| "public".into());
        match &mut wanted.ddl {
            Ddl::Create(create) => {
                create.table.schema = schema;
                wanted.table = Some(create.table.clone());
            }
            Ddl::Drop(index) => index.schema = schema,
            Ddl::Comment(..) | Ddl::Statistics(..) => {}
        }
    }
    Ok(())
}
