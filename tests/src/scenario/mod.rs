//! A food plant: its stations, its ordinary days, and one bad afternoon.
//!
//! - [`Plant`]: who is there, and how their frames look to the gateway;
//! - [`ordinary_days`]: the life the sensor learns from;
//! - [`Incident`]: the afternoon, in variants, with the [`Truth`] about it;
//! - [`family`]: what an evaluation plays: benign weeks and attacks, each with what a sensor should say of it;
//! - [`Stage`]: the event loop that merges all of it into frames ordered by time, in bounded memory.
//!
//! Everything follows from a seed. The plant itself does not: days made with different seeds are days of the same
//! plant. Polls are thinned (a minute where a plant has a second), so that weeks fit into files tests can read.

mod calendar;
pub mod family;
mod habit;
mod incident;
mod lines;
mod plant;
mod stage;
mod talk;

pub use calendar::{is_working_day, parse_time, rfc3339};
pub use habit::{ordinary, ordinary_days};
pub use incident::{
    Commands, FailureTruth, Incident, IncidentOptions, RdpTruth, Scan, ScanTruth, SessionTruth, TlsTruth,
    Truth,
};
pub use lines::Line;
pub use plant::{Host, Place, Plant};
pub use stage::{Actor, Scene, Stage};
pub use talk::{Connect, Talk};
