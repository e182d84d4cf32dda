//! What a person can do about an index that apply does not drop.

use crate::model::ddl::IndexName;
use crate::model::index_def::TableName;
use crate::model::text::{one_line, quote_ident};

/// What a reason holds, and the way on; `{table}`, `{index}` and `{name}` are filled in.
const CURES: [(&str, &str); 9] = [
    ("the primary key", "if the key is to go: ALTER TABLE {table} DROP CONSTRAINT {name}; the index goes with it"),
    ("a constraint needs it", "if the constraint is to go: ALTER TABLE {table} DROP CONSTRAINT {name}; the index goes with it"),
    ("a foreign key needs it", "a foreign key refers to what it guards: as long as that is there, it stays"),
    ("replica identity", "with another identity it may go: ALTER TABLE {table} REPLICA IDENTITY DEFAULT; then run the command again"),
    ("clustered on it", "ALTER TABLE {table} SET WITHOUT CLUSTER; then run the command again"),
    ("a partition of another index", "it goes with the index of the whole table only: drop that one, if it is needless"),
    ("it is UNIQUE", "if duplicates may come: DROP INDEX CONCURRENTLY {index}; by hand, and nothing brings it back"),
    (
        "of a partitioned table",
        "by hand, it stops reads and writes of all partitions for a moment: SET lock_timeout = '2s'; DROP INDEX {index};",
    ),
    ("belongs to role", "the other changes do not wait for it"),
];

/// The ways on from a refused drop; always one.
pub(super) fn of_drop(why: &str, index: &IndexName, table: Option<&TableName>) -> Vec<String> {
    let filled = |cure: &str| {
        let table = table.map_or_else(|| "…".to_owned(), TableName::quoted);
        one_line(&cure.replace("{table}", &table).replace("{index}", &index.quoted()).replace("{name}", &quote_ident(&index.name)))
    };
    let known = CURES.iter().find(|(reason, _)| why.contains(reason)).map(|(_, cure)| filled(cure));
    vec![known.unwrap_or_else(|| "look at it with \\d in psql, and analyze again: the advice may be older than the index".into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_of_the_catalog_has_a_way_on() {
        let reasons = include_str!("../../../sql/apply/relation.sql").split("then '").skip(1).filter_map(|rest| rest.split('\'').next());
        let mut seen = 0;
        for reason in reasons {
            assert!(CURES.iter().any(|(known, _)| reason.contains(known)), "{reason}");
            seen += 1;
        }
        assert_eq!(seen, 6);
    }

    #[test]
    fn names_are_filled_in_quoted() {
        let (index, table) = (IndexName::new("s", "i\"x"), TableName::new("s", "t"));
        let cure = of_drop("s.i must stay: a constraint needs it", &index, Some(&table)).remove(0);
        assert!(cure.contains("ALTER TABLE \"s\".\"t\" DROP CONSTRAINT \"i\"\"x\";"), "{cure}");
        assert!(of_drop("something new", &index, None)[0].contains("analyze again"));
    }
}
