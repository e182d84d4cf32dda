//! Files for a database where `apply` may have been first: IF NOT EXISTS alone would accept an
//! invalid or different index of that name, so a check follows.
//!
//! The definition is compared with a twin on an empty temporary copy of the table: only the server
//! can say how it prints an expression. The check needs no plpgsql; it fails by casting the
//! complaint to a number, which the planner cannot do ahead of time since the text is not constant.

use crate::model::ddl::{CreateIndex, IndexName};
use crate::model::text::{quote_ident, quote_literal};

/// CREATE INDEX … IF NOT EXISTS and the statements that prove the outcome.
pub(super) fn create_or_check(create: &CreateIndex, id: &str) -> Vec<String> {
    let hex: String = id.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let (twin, twin_index) = (format!("advisor_twin_{hex}"), format!("advisor_twin_{hex}_idx"));
    let twin_table = format!("pg_temp.{}", quote_ident(&twin));
    vec![
        create.sql_if_not_exists(),
        format!("CREATE TEMPORARY TABLE {} (LIKE {})", quote_ident(&twin), create.table.quoted()),
        create.sql_for_twin(&quote_ident(&twin_index), &twin_table),
        equal_to_twin(create, &twin_index),
        format!("DROP TABLE {twin_table}"),
    ]
}

/// Fails unless the index is valid, ready, on this table and defined like its twin.
fn equal_to_twin(create: &CreateIndex, twin_index: &str) -> String {
    let IndexName { schema, name } = create.index();
    let prefix = format!(
        "{} || pg_catalog.quote_ident({}) || ' ON ' || pg_catalog.quote_ident({}) || '.' || pg_catalog.quote_ident({})",
        quote_literal(if create.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " }),
        quote_literal(&name),
        quote_literal(&schema),
        quote_literal(&create.table.name),
    );
    let twin = quote_literal(&format!("pg_temp.{}", quote_ident(twin_index)));
    let real = quote_literal(&create.index().quoted());
    format!(
        "SELECT CASE\n  WHEN x.indisvalid AND x.indisready AND x.indislive\n   AND pg_catalog.pg_get_indexdef(x.indexrelid) = {prefix}\n    \
         || pg_catalog.substr(t.def, pg_catalog.strpos(t.def, ' USING '))\n  THEN 'index is there, valid and as written'\n  \
         ELSE (('index is missing, invalid or different: ' || coalesce(pg_catalog.pg_get_indexdef(x.indexrelid), 'missing'))::pg_catalog.int4)::pg_catalog.text\n  \
         END AS check\nFROM (SELECT pg_catalog.pg_get_indexdef({twin}::pg_catalog.regclass) AS def) AS t\n\
         LEFT JOIN pg_catalog.pg_index AS x ON x.indexrelid = pg_catalog.to_regclass({real})"
    )
}

/// Fails unless a partitioned index is valid, which it becomes when its last partition is attached.
pub(super) fn parent_is_valid(index: &IndexName) -> String {
    valid_or_raise(index, "index is not valid yet: a partition is missing, invalid or not attached: ")
}

/// Fails unless this index is valid: a partition's index may be attached even while it is not.
pub(super) fn is_valid(index: &IndexName) -> String {
    valid_or_raise(index, "index is not valid: drop it and build it again: ")
}

fn valid_or_raise(index: &IndexName, complaint: &str) -> String {
    let name = quote_literal(&index.quoted());
    format!(
        "SELECT CASE WHEN x.indisvalid AND x.indisready AND x.indislive THEN 'valid'\n  \
         ELSE (({} || x.indexrelid::pg_catalog.regclass::pg_catalog.text)::pg_catalog.int4)::pg_catalog.text END AS check\n\
         FROM pg_catalog.pg_index AS x WHERE x.indexrelid = {name}::pg_catalog.regclass",
        quote_literal(complaint),
    )
}
