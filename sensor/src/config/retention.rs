//! `[retention]`: for how long what happened is kept, whether or not there is room for more.

use std::ops::RangeInclusive;

use serde::Deserialize;

/// Ages at which what happened is forgotten, in days of record time. What was learned is not of an age: it is in use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The event log: connections that were not usual, failures by time.
    pub events_days: u32,
    /// Closed incidents with their findings, and findings of no incident.
    pub incidents_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_days: 90, incidents_days: 365 }
    }
}

impl Retention {
    /// Keys, what they are set to, and what they may be set to.
    pub(super) fn ranges(&self) -> [(&'static str, u32, RangeInclusive<u32>); 2] {
        [("events_days", self.events_days, 1..=3650), ("incidents_days", self.incidents_days, 1..=3650)]
    }
}
