//! Isthmus: a passive sensor for the gateway between IT and OT networks.
#![forbid(unsafe_code)]

pub mod importance;
pub mod protocol;
pub mod source;
pub mod time;
