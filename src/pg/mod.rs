//! Floor 2b: everything that talks to PostgreSQL.

pub mod partitions;
pub mod session;
pub mod statements;
