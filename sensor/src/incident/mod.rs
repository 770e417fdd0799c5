//! Findings become incidents.

pub mod types;
