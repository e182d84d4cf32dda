//! One session of the demo's app: it prepares its statements once and runs them with parameters,
//! as database libraries do.

use super::chance::Chance;
use super::{connect, failed};
use crate::model::failure::{Failure, FailureKind};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

const STATEMENTS: &str = include_str!("../../../sql/demo/app.sql");

/// A connection with the app's statements prepared.
pub(super) struct App {
    client: Client,
    statements: BTreeMap<&'static str, Statement>,
    /// Decides who asks for what.
    pub chance: Chance,
}

impl App {
    /// Connects and prepares.
    pub async fn open(url: &str, seed: u64) -> Result<Self, Failure> {
        let client = connect(url, "demo-app").await?;
        let mut statements = BTreeMap::new();
        for (name, text) in blocks(STATEMENTS) {
            statements.insert(name, client.prepare(text).await.map_err(|e| failed(name, &e))?);
        }
        Ok(App { client, statements, chance: Chance::new(seed) })
    }

    /// Runs the statement of this name in `sql/demo/app.sql`.
    pub async fn rows(&self, name: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let unknown = || Failure::new(FailureKind::Bug, format!("the demo's app has no statement {name}"));
        let statement = self.statements.get(name).ok_or_else(unknown)?;
        self.client.query(statement, parameters).await.map_err(|e| failed(name, &e))
    }

    /// The first column of each row, as a row's id.
    pub async fn ids(&self, name: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<i64>, Failure> {
        self.rows(name, parameters).await?.iter().map(|row| row.try_get(0).map_err(|e| failed(name, &e))).collect()
    }

    /// The id that an `insert … returning id` gave.
    pub async fn new_id(&self, name: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<i64, Failure> {
        let missing = || Failure::new(FailureKind::Bug, format!("{name} returned no id"));
        self.ids(name, parameters).await?.first().copied().ok_or_else(missing)
    }
}

/// The file's blocks: `-- name: x`, then the text up to the next one.
fn blocks(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.split("-- name: ").skip(1).filter_map(|block| block.split_once('\n')).map(|(name, text)| (name.trim(), text.trim()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_block_has_a_name_of_its_own_and_one_statement() {
        let all: Vec<_> = super::blocks(super::STATEMENTS).collect();
        assert!(all.len() > 30);
        for (i, (name, text)) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|(other, _)| other != name), "{name} twice");
            assert!(!text.is_empty() && !text.contains(';'), "{name}: {text}");
        }
    }
}
