//! What leaves towards the outside in a day, whenever the day begins.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::importance::volumes::{Prior, Volumes};
use crate::time::Time;

/// Hours of a day.
const HOURS: u32 = 24;
/// What is within this factor of the highest day learned is as before, whatever the few days learned say of their spread.
const AS_BEFORE: f64 = 1.5;

/// Bytes sent out, over a day that rolls by the hour: a fixed day would halve what goes on across its midnight.
///
/// What is judged is the sum of the last 24 hours; so what is learned of a calendar day is the highest such sum in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outflow {
    /// Hours since 1970 and their bytes, oldest first, at most [`HOURS`].
    hours: VecDeque<(u32, u64)>,
    /// The calendar day, and the highest sum in it.
    day: u32,
    peak: u64,
    /// Such highest sums of days that were ordinary, and the highest of them all.
    learned: Volumes,
    highest: u64,
}

impl Outflow {
    /// So many bytes went out. A calendar day that is over is learned where `teaches`.
    pub fn add(&mut self, now: Time, bytes: u64, teaches: bool) {
        if bytes == 0 {
            return;
        }
        let hour = hour(now);
        let day = hour / HOURS;
        if day != self.day {
            if self.peak > 0 && teaches {
                self.learned.learn(self.peak as f64);
                self.highest = self.highest.max(self.peak);
            }
            (self.day, self.peak) = (day, 0);
        }
        while self.hours.front().is_some_and(|(of, _)| of.saturating_add(HOURS) <= hour) {
            self.hours.pop_front();
        }
        match self.hours.back_mut() {
            Some((of, sum)) if *of >= hour => *sum = sum.saturating_add(bytes),
            _ => self.hours.push_back((hour, bytes)),
        }
        self.peak = self.peak.max(self.last_day(now));
    }

    /// Bytes of the last 24 hours.
    pub fn last_day(&self, now: Time) -> u64 {
        let hour = hour(now);
        let recent = self.hours.iter().filter(|(of, _)| of.saturating_add(HOURS) > hour);
        recent.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// The probability of so many bytes or more in a day, and what is usual.
    pub fn p(&self, prior: Prior, bytes: f64) -> (f64, f64) {
        let p = if bytes <= AS_BEFORE * self.highest as f64 { 1.0 } else { self.learned.p(prior, bytes) };
        (p, self.learned.expected(prior))
    }

    /// Forgets what was ordinary.
    pub fn relearn(&mut self) {
        (self.learned, self.highest) = (Volumes::default(), 0);
    }
}

fn hour(now: Time) -> u32 {
    u32::try_from(now.seconds() / 3600).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: Prior = Prior { typical: 20_000.0, spread: 4.0, weight: 10.0, freedom: 20.0 };
    const HOUR: u64 = 3600;

    fn at(hours: u64) -> Time {
        Time::from_seconds(hours * HOUR)
    }

    #[test]
    fn a_day_goes_on_across_midnight_and_ends_after_24_hours() {
        let mut outflow = Outflow::default();
        for hour in 240 + 12..240 + 36 {
            outflow.add(at(hour), 1_000_000, false);
        }
        assert_eq!(outflow.last_day(at(240 + 35)), 24_000_000);
        assert_eq!(outflow.last_day(at(240 + 37)), 22_000_000);
        assert_eq!(outflow.last_day(at(240 + 90)), 0);
    }

    #[test]
    fn it_never_remembers_more_than_a_day() {
        let mut outflow = Outflow::default();
        for hour in 1..10_000 {
            outflow.add(at(hour), 1, true);
        }
        assert_eq!((outflow.hours.len(), outflow.last_day(at(9_999))), (24, 24));
    }

    #[test]
    fn a_weekly_backup_is_as_before_after_two_of_them() {
        let mut outflow = Outflow::default();
        for day in 1..=16_u64 {
            let bytes = if day % 7 == 0 { 300_000_000 } else { 5_000 };
            outflow.add(at(24 * day + 23), bytes, true);
        }
        assert_eq!(outflow.p(PRIOR, 350e6).0, 1.0);
        assert_eq!(Outflow::default().p(PRIOR, 0.0).0, 1.0);
        assert!(Outflow::default().p(PRIOR, 24e6).0 < 1e-4);
    }

    #[test]
    fn what_was_not_ordinary_is_not_learned() {
        let mut outflow = Outflow::default();
        for day in 1..=20_u64 {
            outflow.add(at(24 * day), 50_000_000, false);
        }
        assert!(outflow.p(PRIOR, 24e6).0 < 1e-4);
    }
}
