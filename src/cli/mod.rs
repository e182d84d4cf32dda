//! Floor 4: flags that several verbs share.

pub mod advice;
pub mod amounts;
pub mod connection;
pub mod ledger;
pub mod output;
pub mod watch;
