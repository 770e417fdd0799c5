//! How often something happens to a host, in windows, against how often it usually does.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::importance::counts::{Counts, Prior};
use crate::time::Time;

/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(600);
/// Learned rates halve in weight after this much observed time.
const HALF_LIFE: Duration = Duration::from_secs(14 * 86_400);
/// Distinct ends remembered per window.
const MAX_ENDS: usize = 64;

/// Events of one kind at one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    learned: Counts,
    start: Time,
    n: u64,
    ends: BTreeSet<(IpAddr, u16)>,
    ends_total: u64,
    /// The window was part of something unusual: it teaches nothing.
    tainted: bool,
}

impl Tally {
    /// Counts one event towards `end`; returns how many this window holds.
    pub fn add(&mut self, now: Time, end: (IpAddr, u16)) -> u64 {
        self.roll(now);
        self.n = self.n.saturating_add(1);
        if self.ends.contains(&end) {
            return self.n;
        }
        self.ends_total = self.ends_total.saturating_add(1);
        if self.ends.len() < MAX_ENDS {
            self.ends.insert(end);
        }
        self.n
    }

    /// Probability of at least as many as this window holds.
    pub fn p(&self, prior: Prior) -> f64 {
        self.learned.p(prior, self.n, WINDOW)
    }

    /// How many a window usually holds.
    pub fn expected(&self, prior: Prior) -> f64 {
        self.learned.expected(prior, WINDOW)
    }

    /// Ends seen in this window and how many there were.
    pub fn ends(&self) -> (impl Iterator<Item = (IpAddr, u16)> + '_, u64) {
        (self.ends.iter().copied(), self.ends_total)
    }

    /// This window is part of something unusual: do not learn from it.
    pub fn taint(&mut self) {
        self.tainted = true;
    }

    fn roll(&mut self, now: Time) {
        if self.start == Time::default() {
            self.start = now;
            return;
        }
        let age = now.since(self.start);
        if age < WINDOW {
            return;
        }
        if !self.tainted {
            self.learned.learn(self.n, WINDOW, HALF_LIFE);
        }
        // Quiet windows are lessons too.
        self.learned.learn(0, age.saturating_sub(WINDOW), HALF_LIFE);
        *self = Self { learned: self.learned, start: now, ..Self::default() };
    }
}
