//! Floor 4: flags that several verbs share.

pub mod connection;
pub mod output;
