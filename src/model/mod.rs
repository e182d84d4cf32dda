//! Floor 0: plain data. Imports nothing of ours.

pub mod amount;
pub mod blueprint;
pub mod candidate;
pub mod catalog;
pub mod ddl;
pub mod doctor;
pub mod failure;
pub mod index_def;
pub mod ledger;
pub mod plan;
pub mod preflight;
pub mod query;
pub mod redaction;
pub mod report;
pub mod restrictions;
pub mod sample;
pub mod snapshot;
pub mod snapshot_file;
pub mod statistics_ddl;
pub mod step;
pub mod text;
