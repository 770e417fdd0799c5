//! How unusual: the mathematics that turns an observation into a probability.
//!
//! Everything here is a pure function or a small bounded state: no clock, no input or output, no randomness.
//! Times and durations are arguments. Each family answers with a *p-value*: the probability, under what was
//! learned, of something at least this unusual. `importance = -log10 p`, so 3 is "one in a thousand".
//!
//! | file | family | what it judges |
//! |---|---|---|
//! | [`counts`] | Gamma–Poisson | events per interval: failures, fan-out, commands |
//! | [`volumes`] | log-normal, Student-t tail | bytes and durations, per direction |
//! | [`novelty`] | Pitman–Yor with back-off | a new or rare pair, service or command |
//! | [`hours`] | smoothed hour of week | something happening at an odd time |
//! | [`beacon`] | dispersion of intervals | something happening too regularly |
//! | [`budget`] | – | which p is small enough to raise |
//!
//! p-values of counted things are discrete and therefore conservative, not uniform: each family is tested by
//! simulation to hold `P(p <= a) <= 1.1 a` on data drawn from its own model.

pub mod beacon;
pub mod budget;
pub mod counts;
#[cfg(test)]
mod draw;
pub mod hours;
pub mod novelty;
mod special;
pub mod volumes;
mod words;

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use words::Explained;

/// `-log10 p`: how unusual, from 0 (usual) to [`Importance::CAP`] (no more than one in 10¹²).
///
/// Never NaN, so it is totally ordered. A number outside the range is clamped, also when deserialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Importance(f64);

impl Importance {
    /// The largest importance. Beyond it models are extrapolation and the figure would mean nothing.
    pub const CAP: f64 = 12.0;

    /// Nothing unusual: p = 1.
    pub const NONE: Self = Self(0.0);

    /// The importance of a p-value. A p of zero or less is the cap; NaN or above one says nothing: zero.
    pub fn from_p(p: f64) -> Self {
        if p <= 0.0 { Self(Self::CAP) } else { Self::from(-p.log10()) }
    }

    /// The p-value, not below 10⁻¹² because of the cap.
    pub fn p(self) -> f64 {
        10f64.powf(-self.0)
    }

    /// The figure itself, `-log10 p`.
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl From<f64> for Importance {
    fn from(value: f64) -> Self {
        // `+ 0.0` turns a negative zero into zero.
        Self(clamped(value, 0.0, Self::CAP) + 0.0)
    }
}

impl From<Importance> for f64 {
    fn from(importance: Importance) -> Self {
        importance.0
    }
}

impl Eq for Importance {}

impl PartialOrd for Importance {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Importance {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Importance {
    /// One decimal, as in `4.2`; a width or precision asked for is honoured.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(1);
        match f.width() {
            Some(width) => write!(f, "{:width$.precision$}", self.0),
            None => write!(f, "{:.precision$}", self.0),
        }
    }
}

/// The p-value of several families together: the smallest times their number, at most 1 (Bonferroni).
///
/// Not Fisher's product, which needs independence: the same packets feed several families. NaN counts as 1,
/// an empty slice gives 1.
pub fn combine(ps: &[f64]) -> f64 {
    if ps.is_empty() {
        return 1.0;
    }
    let smallest = ps.iter().copied().fold(1.0, f64::min);
    (smallest.max(0.0) * ps.len() as f64).min(1.0)
}

/// How much of what was learned remains after `observed` time: `2^(-observed / half_life)`, in `[0, 1]`.
///
/// Observed time is time the sensor really watched, so an outage forgets nothing. A zero half-life is taken as
/// "never forget": state without memory could not judge anything.
pub fn remaining(observed: Duration, half_life: Duration) -> f64 {
    if half_life.is_zero() { 1.0 } else { (-(observed.as_secs_f64() / half_life.as_secs_f64())).exp2() }
}

/// A finite number in `[low, high]`; NaN becomes `low`.
fn clamped(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_in_a_thousand_is_three() {
        assert!((Importance::from_p(1e-3).value() - 3.0).abs() < 1e-12);
        assert!((Importance::from_p(1e-3).p() - 1e-3).abs() < 1e-15);
        assert_eq!(Importance::from_p(1e-4).to_string(), "4.0");
        assert_eq!(format!("{:6.2}", Importance::from_p(1e-4)), "  4.00");
    }

    #[test]
    fn importance_is_capped_and_never_nan() {
        assert_eq!(Importance::from_p(0.0).value(), Importance::CAP);
        assert_eq!(Importance::from_p(1e-300).value(), Importance::CAP);
        assert_eq!(Importance::from_p(f64::NAN), Importance::NONE);
        assert_eq!(Importance::from_p(7.0), Importance::NONE);
        assert_eq!(Importance::from_p(1.0).to_string(), "0.0");
    }

    #[test]
    fn a_stored_importance_out_of_range_is_clamped() {
        let read: Importance = serde_json::from_str("99.0").unwrap();
        assert_eq!(read.value(), Importance::CAP);
        assert_eq!(serde_json::to_string(&Importance::from(2.5)).unwrap(), "2.5");
    }

    #[test]
    fn families_combine_by_bonferroni() {
        assert_eq!(combine(&[0.5, 0.001, 0.2]), 0.003);
        assert_eq!(combine(&[0.9, 0.8]), 1.0);
        assert_eq!(combine(&[]), 1.0);
        assert_eq!(combine(&[f64::NAN, 0.25]), 0.5);
    }

    #[test]
    fn half_is_forgotten_in_a_half_life() {
        let day = Duration::from_secs(86_400);
        assert_eq!(remaining(day, day), 0.5);
        assert_eq!(remaining(Duration::ZERO, day), 1.0);
        assert_eq!(remaining(day, Duration::ZERO), 1.0);
        assert_eq!(remaining(Duration::MAX, Duration::from_nanos(1)), 0.0);
    }

    proptest! {
        #[test]
        fn importance_is_finite_and_falls_as_p_rises(p in any::<f64>(), q in any::<f64>()) {
            let (a, b) = (Importance::from_p(p), Importance::from_p(q));
            prop_assert!((0.0..=Importance::CAP).contains(&a.value()));
            if p <= q {
                prop_assert!(a >= b);
            }
        }
    }
}
