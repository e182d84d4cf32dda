//! What apply finds out before it begins: facts about the server, the table and whoever is busy there.

use super::ddl::IndexName;
use super::index_def::IndexSpec;

/// How sure it is that nothing stands between us and the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Directness {
    /// The process id that the start-up announced is the backend's.
    Proven,
    /// None was announced: nothing to compare.
    #[default]
    NotProven,
}

/// What builds on this server are paid with, and who hears of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Premises {
    /// Nothing stands in between.
    pub direct: Directness,
    /// wal_level.
    pub wal_level: String,
    /// maintenance_work_mem, bytes.
    pub work_mem_bytes: i64,
    /// max_parallel_maintenance_workers.
    pub workers: i32,
    /// temp_file_limit, bytes; negative for none.
    pub temp_limit_bytes: i64,
    /// Standbys and other receivers of WAL.
    pub standbys: i64,
    /// The furthest behind, bytes of WAL; `None` without the right to see it.
    pub lag_bytes: Option<i64>,
    /// The same in seconds, where the server knows it.
    pub lag_seconds: Option<f64>,
    /// Replication slots that nobody reads.
    pub idle_slots: Vec<String>,
    /// WAL that they keep, bytes.
    pub kept_bytes: Option<i64>,
    /// We see what others do (pg_read_all_stats).
    pub sees_others: bool,
    /// Where WAL and the default tablespace lie.
    pub data: Volume,
    /// Where sorting spills to.
    pub temp: Volume,
}

/// Free space where some files lie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Volume {
    /// Tablespace, or what else is there.
    pub name: String,
    /// Its folder on the server; `None` without the right to know.
    pub folder: Option<String>,
    /// Free bytes; `None` where the server is elsewhere or does not tell the folder.
    pub free_bytes: Option<f64>,
    /// The same for two places of one file system.
    pub device: Option<u64>,
    /// A person said how much is free.
    pub told: bool,
}

/// Where a new index would lie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    /// Its space.
    pub volume: Volume,
    /// We may put an index there.
    pub may_create: bool,
}

/// What somebody in the way is doing, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A client's transaction.
    Transaction,
    /// VACUUM; it makes way for nobody unless it is autovacuum's own.
    Vacuum,
    /// Autovacuum against wraparound: it makes way for nobody.
    Wraparound,
    /// ANALYZE.
    Analyze,
    /// Another index build.
    Build,
}

/// Somebody whom a build or a drop would wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// Process id; 0 for a prepared transaction.
    pub pid: i32,
    /// Name of the prepared transaction.
    pub gid: Option<String>,
    /// Role.
    pub role: String,
    /// application_name.
    pub application: String,
    /// `active`, `idle in transaction`…
    pub state: String,
    /// Locks on the table.
    pub modes: Vec<String>,
    /// It holds an old snapshot of this database.
    pub snapshot: bool,
    /// What it does.
    pub work: Work,
    /// Age of its transaction, seconds.
    pub seconds: f64,
    /// What it runs or ran last, without constants; empty where hidden.
    pub query: String,
}

/// Another index of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Sibling {
    /// Its name.
    pub index: IndexName,
    /// What it is; `None` where it cannot be compared.
    pub spec: Option<IndexSpec>,
    /// Valid, ready and live.
    pub usable: bool,
    /// Somebody builds it now.
    pub building: bool,
}

/// What a build costs. `None` is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cost {
    /// The table, bytes.
    pub table_bytes: Option<f64>,
    /// Its rows.
    pub rows: Option<f64>,
    /// The finished index, bytes.
    pub size_bytes: Option<f64>,
    /// Temporary files at most, bytes.
    pub temp_bytes: Option<f64>,
    /// WAL written, bytes; 0 for an unlogged table.
    pub wal_bytes: Option<f64>,
    /// Seconds, shortest and longest, without waiting for others.
    pub seconds: Option<(f64, f64)>,
}

impl Cost {
    /// Builds one after the other: sums, and the temporary files of the largest. What is unknown of one is unknown of all.
    pub fn together(costs: &[Cost]) -> Cost {
        let each = |of: fn(&Cost) -> Option<f64>| costs.iter().map(of).collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty());
        let sum = |of| each(of).map(|all| all.iter().sum());
        Cost {
            table_bytes: sum(|c| c.table_bytes),
            rows: sum(|c| c.rows),
            size_bytes: sum(|c| c.size_bytes),
            temp_bytes: each(|c| c.temp_bytes).map(|all| all.into_iter().fold(0.0, f64::max)),
            wal_bytes: sum(|c| c.wal_bytes),
            seconds: sum(|c| c.seconds.map(|(least, _)| least)).zip(sum(|c| c.seconds.map(|(_, most)| most))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_together_cost_their_sum_and_what_is_unknown_stays_so() {
        let one = Cost { size_bytes: Some(10.0), temp_bytes: Some(5.0), seconds: Some((1.0, 2.0)), ..Cost::default() };
        let two = Cost { temp_bytes: Some(7.0), wal_bytes: Some(3.0), ..one.clone() };
        let both = Cost::together(&[one, two]);
        assert_eq!((both.size_bytes, both.temp_bytes, both.wal_bytes, both.seconds), (Some(20.0), Some(7.0), None, Some((2.0, 4.0))));
        assert_eq!(Cost::together(&[]), Cost::default());
    }
}
