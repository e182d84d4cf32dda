//! Floor 2b: everything that talks to PostgreSQL.

pub mod build;
pub mod ledger;
pub mod partitions;
pub mod session;
pub mod statements;
