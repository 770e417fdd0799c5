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

    /// How much this window holds: every end once, and what was repeated as one more for each factor of four.
    ///
    /// A client that tries a server again and again which is down tells one thing many times; independent events, which a
    /// rate is about, are the ends. Still a thousand times a minute is more than once.
    pub fn weight(&self) -> u64 {
        let repeats = self.n.checked_div(self.ends_total).unwrap_or(0);
        self.ends_total.saturating_add(u64::from(repeats.checked_ilog(4).unwrap_or(0)))
    }

    /// Probability of at least as much as this window holds.
    pub fn p(&self, prior: Prior) -> f64 {
        self.learned.p(prior, self.weight(), WINDOW)
    }

    /// How much a window usually holds.
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
            self.learned.learn(self.weight(), WINDOW, HALF_LIFE);
        }
        // Quiet windows are lessons too.
        self.learned.learn(0, age.saturating_sub(WINDOW), HALF_LIFE);
        *self = Self { learned: self.learned, start: now, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(n: u8) -> (IpAddr, u16) {
        (IpAddr::from([10, 0, 0, n]), 502)
    }

    #[test]
    fn a_server_that_is_down_is_one_failure_told_often() {
        let prior = Prior::new(2.0, Duration::from_secs(3600));
        let mut retries = Tally::default();
        for i in 0..120 {
            retries.add(Time::from_seconds(5 * i), end(1));
        }
        assert_eq!(retries.weight(), 4);
        let mut scan = Tally::default();
        for i in 0..20 {
            scan.add(Time::from_seconds(i), end(i as u8));
        }
        assert_eq!(scan.weight(), 20);
        assert!(retries.p(prior) > 1e-3 && scan.p(prior) < 1e-9);
    }

    #[test]
    fn a_thousand_refusals_a_minute_need_no_baseline() {
        let mut flood = Tally::default();
        for i in 0..10_000 {
            flood.add(Time(1 + i * 6_000_000), end(1));
        }
        assert!(flood.p(Prior::new(2.0, Duration::from_secs(3600))) < 1e-4);
    }

    #[test]
    fn what_was_part_of_something_unusual_is_not_learned() {
        let prior = Prior::new(2.0, Duration::from_secs(3600));
        let usual = |taint: bool| {
            let mut tally = Tally::default();
            for window in 0..100 {
                for i in 0..10 {
                    tally.add(Time::from_seconds(1 + 600 * window + i), end(i as u8));
                }
                if taint {
                    tally.taint();
                }
            }
            tally.expected(prior)
        };
        assert!(usual(false) > 5.0 && usual(true) < 1.0);
    }
}
