//! Floor 2b: everything that talks to PostgreSQL.

pub mod server;
pub mod session;
pub mod statements;
