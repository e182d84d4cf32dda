//! Floor 2a: what apply and rollback decide. No connection, no clock: `flow` carries the questions.

pub mod decide;
pub mod delta;
pub mod machine;
pub mod outlook;
pub mod preflight;
pub mod progress;
pub mod revert;
pub mod verdict;
pub mod watch;

#[cfg(test)]
mod tests;
