//! Floor 3: the loops that carry questions and answers between the pure modules and the IO.

pub mod analyse;
pub mod apply;
mod assumed;
mod build_time;
mod costs;
mod cures;
pub mod demo;
mod direction;
pub mod doctor;
mod drops;
mod engine;
mod executions;
mod explain_analyze;
mod frontier;
pub mod generate;
mod inputs;
mod limits;
mod offline;
mod plans;
mod recommend;
mod refusals;
#[allow(dead_code, reason = "to be called where the costs of plans are weighted")]
mod risk;
pub mod rollback;
mod runner;
mod self_check;
pub mod snapshot;
pub mod status;
mod subjects;
mod targets;
mod trial;
pub mod wanted;
mod why;
mod wording;
