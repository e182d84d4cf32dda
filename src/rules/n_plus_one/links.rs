//! Which tables belong together: declared foreign keys, and those that names suggest.

use crate::model::catalog::{Catalog, ForeignKey, Table};
use crate::model::index_def::TableName;

/// A reference from child to parent.
pub(super) struct Link {
    /// Constraint, or `inferred from NAME`.
    pub(super) name: String,
    pub(super) child: TableName,
    pub(super) child_columns: Vec<String>,
    pub(super) parent: TableName,
    pub(super) parent_columns: Vec<String>,
    pub(super) declared: bool,
}

/// Declared foreign keys first, then twins, then `x_id` → `x(s).id` where no foreign key has the column.
pub(super) fn all(catalog: &Catalog) -> Vec<Link> {
    let mut links: Vec<Link> = catalog
        .foreign_keys
        .iter()
        .map(|fk| Link {
            name: fk.name.clone(),
            child: fk.child.clone(),
            child_columns: fk.child_columns.clone(),
            parent: fk.parent.clone(),
            parent_columns: fk.parent_columns.clone(),
            declared: true,
        })
        .collect();
    let twins: Vec<Link> = catalog.foreign_keys.iter().flat_map(|fk| twins(catalog, fk)).collect();
    links.extend(twins);
    let inferred: Vec<Link> = catalog.tables.iter().flat_map(|t| inferred(catalog, t, &links)).collect();
    links.extend(inferred);
    links
}

/// A table that shares its parent's key one to one (profiles of users) is loaded by whatever references that parent.
fn twins(catalog: &Catalog, twin: &ForeignKey) -> Vec<Link> {
    let is_unique = catalog.indexes_of(&twin.child).any(|i| {
        let keys: Option<Vec<&str>> = i.spec.keys.iter().map(|k| k.column_name()).collect();
        i.spec.unique && i.valid && i.spec.predicate.is_none() && keys.is_some_and(|k| k == twin.child_columns)
    });
    let siblings = catalog.foreign_keys.iter().filter(|fk| is_unique && fk.parent == twin.parent && fk.child != twin.child);
    siblings
        .filter(|fk| fk.parent_columns == twin.parent_columns)
        .map(|fk| Link {
            name: format!("{} and {}", fk.name, twin.name),
            child: fk.child.clone(),
            child_columns: fk.child_columns.clone(),
            parent: twin.child.clone(),
            parent_columns: twin.child_columns.clone(),
            declared: true,
        })
        .collect()
}

fn inferred(catalog: &Catalog, child: &Table, declared: &[Link]) -> Vec<Link> {
    let is_declared = |column: &str| declared.iter().any(|l| l.child == child.table_name() && l.child_columns.iter().any(|c| c == column));
    let columns = child.columns.iter().filter(|c| !is_declared(&c.name));
    columns
        .filter_map(|column| {
            let stem = column.name.strip_suffix("_id").filter(|s| !s.is_empty())?;
            let plural = [stem.to_owned(), format!("{stem}s"), format!("{stem}es"), format!("{}ies", stem.trim_end_matches('y'))];
            let parent = plural.iter().find_map(|name| catalog.table(&TableName::new(&child.schema, name)))?;
            let key = single_key(catalog, &parent.table_name())?;
            let same_type = parent.column(&key).is_some_and(|k| k.type_name == column.type_name);
            (same_type && parent.name != child.name).then(|| Link {
                name: format!("inferred from {}", column.name),
                child: child.table_name(),
                child_columns: vec![column.name.clone()],
                parent: parent.table_name(),
                parent_columns: vec![key],
                declared: false,
            })
        })
        .collect()
}

/// The primary key, where it is one column.
fn single_key(catalog: &Catalog, table: &TableName) -> Option<String> {
    let key = catalog.indexes_of(table).find(|i| i.primary)?;
    match key.spec.keys.as_slice() {
        [only] => only.column_name().map(str::to_owned),
        _ => None,
    }
}
