//! What the sensor says of scenarios and real captures, held against what really happened.
//!
//! For each seed the sensor learns a benign past as it would on its first weeks ([`Learned`]), is stopped, and is started again
//! for each family of [`FAMILIES`](crate::scenario::family::FAMILIES) from what it had stored. [`judge`] gives an [`Outcome`] of a
//! family and a seed; [`Score`] adds outcomes up; [`report`] writes them down.

pub mod captures;
mod outcome;
pub mod report;
mod run;
mod score;

pub use outcome::{Found, Outcome, Seen};
pub use run::{Learned, Method, analyse, analyse_with, judge};
pub use score::{ModelScore, Score};
