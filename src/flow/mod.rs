//! Floor 3: the loops that carry questions and answers between the pure modules and the IO.

pub mod analyse;
pub mod doctor;
mod drops;
pub mod generate;
mod inputs;
mod plans;
mod recommend;
mod run;
mod trial;
