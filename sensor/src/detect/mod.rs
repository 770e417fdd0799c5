//! From what happened to what is unusual.

pub mod finding;
