//! How often something happens to a host, in windows, against how often it usually does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::segment::SiteAddr;
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
    ends: BTreeSet<(SiteAddr, u16)>,
    ends_total: u64,
    /// The window was part of something unusual: it teaches nothing.
    tainted: bool,
}

impl Tally {
    /// Counts one event towards `end`; returns how many this window holds, and how many windows ended before it since the last
    /// event: so many times it was judged whether there were too many.
    pub fn add(&mut self, now: Time, end: (SiteAddr, u16)) -> (u64, u64) {
        let ended = self.roll(now);
        self.n = self.n.saturating_add(1);
        if !self.ends.contains(&end) {
            self.ends_total = self.ends_total.saturating_add(1);
            if self.ends.len() < MAX_ENDS {
                self.ends.insert(end);
            }
        }
        (self.n, ended)
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
    pub fn ends(&self) -> (impl Iterator<Item = (SiteAddr, u16)> + '_, u64) {
        (self.ends.iter().copied(), self.ends_total)
    }

    /// This window is part of something unusual: do not learn from it.
    pub fn taint(&mut self) {
        self.tainted = true;
    }

    /// Ends the window if it is over; returns how many windows ended since the last call, quiet ones included. Windows lie on a
    /// grid: one that began with an event would hold one more than chance puts there.
    fn roll(&mut self, now: Time) -> u64 {
        let length = WINDOW.as_nanos() as u64;
        let start = Time(now.0.saturating_sub(now.0 % length));
        if self.start == Time::default() {
            self.start = start;
            return 0;
        }
        let ended = start.since(self.start).as_nanos() as u64 / length;
        if ended == 0 {
            return 0;
        }
        if !self.tainted {
            self.learned.learn(self.weight(), WINDOW, HALF_LIFE);
        }
        // Quiet windows are lessons too.
        let quiet = u32::try_from(ended.saturating_sub(1)).unwrap_or(u32::MAX);
        self.learned.learn(0, WINDOW.saturating_mul(quiet), HALF_LIFE);
        *self = Self { learned: self.learned, start, ..Self::default() };
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(n: u8) -> (SiteAddr, u16) {
        (SiteAddr::from([10, 0, 0, n]), 502)
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
