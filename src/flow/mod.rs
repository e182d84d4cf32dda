//! Floor 3: loops that carry questions and answers between the pure modules and the IO.

pub mod apply;
pub mod generate;
pub mod rollback;
mod run;
mod signals;
pub mod status;
pub mod wanted;
