//! What an incident is.

use serde::{Deserialize, Serialize};

use super::history::History;
use crate::detect::finding::{Severity, Stage};
use crate::importance::Importance;
use crate::state::SiteAddr;
use crate::state::rules::Allowance;
use crate::time::Time;

/// Whether an incident goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Something happened lately.
    Open,
    /// Nothing for an hour.
    Quiet,
    /// Nothing for a day.
    Closed,
    /// Somebody took it.
    Acknowledged,
}

impl State {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Open, Self::Quiet, Self::Closed, Self::Acknowledged];

    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Quiet => "quiet",
            Self::Closed => "closed",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// Somebody took an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who typed it, where that is known.
    pub by: Option<String>,
    /// When, by the clock of the machine it was typed on.
    pub at: Time,
    /// A word to the next shift.
    pub note: Option<String>,
}

/// Findings of one acting host, and of hosts it took over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Counts incidents of this sensor's state, from 1.
    pub number: u64,
    /// Whether it goes on.
    pub state: State,
    /// When its first finding began.
    pub first: Time,
    /// When its last finding was seen.
    pub last: Time,
    /// Who acts: the first actor, then pivots in order.
    pub actors: Vec<SiteAddr>,
    /// Numbers of its findings, in order of [`Finding::first`](crate::detect::finding::Finding::first).
    pub findings: Vec<u64>,
    /// Highest severity among them.
    pub severity: Severity,
    /// How unusual they are together: the smallest p among them times the number of families.
    pub importance: Option<Importance>,
    /// Stages reached, in order.
    pub stages: Vec<Stage>,
    /// Incidents that share a target.
    pub related: Vec<u64>,
    /// How unusual its findings were over time.
    #[serde(default)]
    pub history: History,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// Why it is closed, where all of it was allowed after it was raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowance>,
    /// The title: one line.
    pub title: String,
    /// The written account: lines of deterministic text from facts.
    pub account: Vec<String>,
}
