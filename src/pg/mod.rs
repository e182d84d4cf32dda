//! Floor 2b: everything that talks to PostgreSQL.

pub mod collect;
pub mod error;
pub mod session;
pub mod statements;
pub mod value;
