//! Floor 3: loops that carry questions and answers between the pure modules and the IO.

pub mod generate;
