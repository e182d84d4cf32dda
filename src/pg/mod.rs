//! Floor 2b: everything that talks to PostgreSQL.

pub mod collect;
pub mod conninfo;
pub mod demo;
mod dial;
pub mod error;
mod refusal;
pub mod server;
pub mod session;
pub mod statements;
pub mod tls;
pub mod value;
mod wire;
