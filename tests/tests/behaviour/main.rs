//! What the models make of behaviour: what is news, what is not, and as what it is told.
//!
//! Frames go through the whole analysis: a past is learned, then something happens. Every test names the behaviour it
//! holds.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

mod facts;
mod identity;
mod incidents;
mod learning;
mod links;
mod outside;
mod plant;
mod programs;
mod replaced;
mod scans;
mod segments;
mod sessions;
mod silence;
mod site;
mod turned;
mod zones;
