//! Too regular: how periodic the arrivals of a pair are.
//!
//! **Score**, 0 to 1, from robust dispersion of the intervals as in RITA (activecm/rita, `analysis/beacons.go`):
//! the mean of `1 - |Bowley skew|` and `1 - MAD / median`. Bowley's skew is `(Q1 + Q3 - 2 Q2) / (Q3 - Q1)`, MAD
//! the median absolute deviation from the median. A missed or doubled beat moves neither. RITA ignores the skew
//! of intervals whose quartiles are less than 10 s apart; here less than 5 % of the median, so that the score
//! does not depend on the unit.
//!
//! **p-value** of `MAD / median` this small or smaller if arrivals were a Poisson process. It is exact, not
//! simulated. Of `2k + 1` exponential intervals let `v` be the distribution function at the sample median:
//! `v ~ Beta(k+1, k+1)`. Given the median `m`, the `k` intervals below are independent and truncated to `[0, m]`,
//! the `k` above exceed it by independent exponentials. `MAD <= c m` exactly when at least `k` of those `2k` lie
//! within `c m` of `m`, that is `Bin(k, a) + Bin(k, b) >= k` with `a = (1-v)(e^{cm} - 1)/v`, `b = 1 - e^{-cm}`,
//! `m = -ln(1-v)`. The one integral left, over v, is smooth and vanishes at both ends with its derivatives, where
//! the midpoint rule converges faster than any power.
//!
//! People's traffic is burstier than a Poisson process, which makes p conservative; traffic with a dead time (a
//! retry timer) is not, and is what the score is for.
//!
//! **Minimum support**: [`MIN_INTERVALS`] intervals; below it there is no answer. Judge a pair again only after
//! its ring has turned over, or the threshold's count of tests is wrong.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::time::Time;

/// Intervals remembered: odd, so that the median is one of them.
pub const MAX_INTERVALS: usize = 63;

/// Intervals below which there is no answer.
pub const MIN_INTERVALS: usize = 11;

/// Timers and capture stamps jitter: a deviation below this many seconds is not believed.
const RESOLUTION_S: f64 = 1e-3;

/// Steps of the integral.
const STEPS: u32 = 256;

/// The last intervals between arrivals of one pair, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    last: Option<Time>,
    recent: VecDeque<f64>,
    merge_s: f64,
}

/// What the intervals of a pair say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// Median interval in seconds.
    pub period_s: f64,
    /// Median absolute deviation from it in seconds.
    pub jitter_s: f64,
    /// Regularity from 0 (none) to 1 (a clock).
    pub score: f64,
    /// The probability of intervals this regular under Poisson arrivals.
    pub p: f64,
}

impl Intervals {
    /// An empty ring. Arrivals less than `merge` after the last counted one belong to the same beat (a client
    /// opening several connections at once).
    pub fn new(merge: Duration) -> Self {
        Self { merge_s: merge.as_secs_f64(), ..Self::default() }
    }

    /// An arrival at `time`. Backward time counts as the same beat.
    pub fn arrive(&mut self, time: Time) {
        if let Some(last) = self.last {
            let interval = time.since(last).as_secs_f64();
            if interval <= 0.0 || interval < self.merge_s {
                return;
            }
            while self.recent.len() >= MAX_INTERVALS {
                self.recent.pop_front();
            }
            self.recent.push_back(interval);
        }
        self.last = Some(time);
    }

    /// Intervals held, at most [`MAX_INTERVALS`].
    pub fn len(&self) -> usize {
        self.recent.len()
    }

    /// True before the second beat.
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// Judges the intervals held; `None` below [`MIN_INTERVALS`].
    pub fn judge(&self) -> Option<Beat> {
        let (beat, k, dispersion) = self.measure()?;
        Some(Beat { p: p_regular(k, dispersion), ..beat })
    }

    /// Everything but p, and what p follows from: `k` of the `2k + 1` intervals and their `MAD / median`.
    fn measure(&self) -> Option<(Beat, usize, f64)> {
        let usable = |x: &f64| x.is_finite() && *x >= 0.0;
        let mut sorted: Vec<f64> =
            self.recent.iter().copied().filter(usable).rev().take(MAX_INTERVALS).collect();
        // An odd number, dropping the oldest.
        if sorted.len().is_multiple_of(2) {
            sorted.pop();
        }
        if sorted.len() < MIN_INTERVALS {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let period_s = median(&sorted);
        let mut deviations: Vec<f64> = sorted.iter().map(|x| (x - period_s).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        let jitter_s = median(&deviations);
        // Merging leaves intervals of `merge` plus an exponential (memorylessness): the excess is exponential.
        let excess = period_s - self.merge_s.max(0.0);
        let dispersion = if excess > 0.0 { jitter_s.max(RESOLUTION_S) / excess } else { 1.0 };
        let beat = Beat { period_s, jitter_s, score: score(&sorted, period_s, jitter_s), p: 1.0 };
        Some((beat, sorted.len() / 2, dispersion))
    }
}

/// The middle of sorted values: of an odd number the middle one, of an even number the mean of two.
fn median(sorted: &[f64]) -> f64 {
    let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { 0.5 * at(half.saturating_sub(1)) + 0.5 * at(half) }
}

/// The mean of the skew score and the dispersion score of sorted intervals.
fn score(sorted: &[f64], median_s: f64, jitter_s: f64) -> f64 {
    let half = sorted.len() / 2;
    let low = median(sorted.get(..half).unwrap_or(&[]));
    let high = median(sorted.get(sorted.len() - half..).unwrap_or(&[]));
    let apart = high - low;
    let skew = if apart > 0.05 * median_s { (low - median_s + (high - median_s)) / apart } else { 0.0 };
    let dispersion = if median_s > 0.0 { jitter_s / median_s } else { 1.0 };
    0.5 * (1.0 - skew.abs()).clamp(0.0, 1.0) + 0.5 * (1.0 - dispersion).clamp(0.0, 1.0)
}

/// `P(MAD <= c · median)` of `2k + 1` independent exponential intervals, never zero; 1 from `c = 1` on.
fn p_regular(k: usize, c: f64) -> f64 {
    let half = k as f64;
    let ln_density = ln_gamma(2.0 * half + 2.0) - 2.0 * ln_gamma(half + 1.0);
    let mut sum = 0.0;
    for step in 0..STEPS {
        let v = (f64::from(step) + 0.5) / f64::from(STEPS);
        let reach = -c * (-v).ln_1p();
        let below = if c < 1.0 { ((1.0 - v) / v * reach.exp_m1()).min(1.0) } else { 1.0 };
        let above = -(-reach).exp_m1();
        let weight = (ln_density + half * (v.ln() + (-v).ln_1p())).exp();
        sum += weight * p_enough(k, below, above);
    }
    (sum / f64::from(STEPS)).clamp(f64::MIN_POSITIVE, 1.0)
}

/// `P(Bin(k, a) + Bin(k, b) >= k)`, a sum of positive terms.
fn p_enough(k: usize, a: f64, b: f64) -> f64 {
    let (inside, beside) = (binomial(k, a), binomial(k, b));
    // Tail of the second: at least j.
    let mut tail = beside;
    for j in (0..k).rev() {
        let next = tail.get(j + 1).copied().unwrap_or(0.0);
        if let Some(slot) = tail.get_mut(j) {
            *slot += next;
        }
    }
    inside.iter().zip(tail.iter().rev()).map(|(p, rest)| p * rest).sum()
}

/// The distribution of a binomial variable, 0 to k.
fn binomial(k: usize, p: f64) -> Vec<f64> {
    let mut terms = vec![0.0; k + 1];
    if let Some(first) = terms.first_mut() {
        *first = 1.0;
    }
    for _ in 0..k {
        let mut carried = 0.0;
        for term in &mut terms {
            let moved = *term * p;
            *term = *term * (1.0 - p) + carried;
            carried = moved;
        }
    }
    terms
}

#[cfg(test)]
#[path = "beacon_tests.rs"]
mod tests;
