//! Floor 1: text to model. Never fails: what cannot be read is a problem in the result.

pub mod asked_index;
pub mod explain;
pub mod index_ddl;
pub mod lex;
pub mod plan_shape;
pub mod predicate;
pub mod saved_report;
pub mod snapshot_file;
pub mod split;
pub mod sql;
pub mod statistics_ddl;
