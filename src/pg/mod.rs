//! Floor 2b: everything that talks to PostgreSQL.

pub mod blueprint;
pub mod build;
pub mod checkup;
pub mod clone;
pub mod collate;
pub mod collect;
pub mod conninfo;
pub mod demo;
mod dial;
pub mod effects;
pub mod error;
pub mod explain;
mod ginpage;
pub mod hypopg;
pub mod inventory;
pub mod ledger;
pub mod partitions;
pub mod planner_settings;
pub mod preflight;
mod refusal;
pub mod server;
pub mod session;
pub mod statements;
mod statext;
pub mod tls;
pub mod value;
mod wire;
