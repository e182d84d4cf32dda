//! Floor 3: the loops that carry questions and answers between the pure modules and the IO.

pub mod analyse;
mod drops;
mod inputs;
mod plans;
mod recommend;
mod trial;
