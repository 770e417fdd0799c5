//! Events per interval: the Gamma–Poisson family.
//!
//! Events of one kind (refused connections, new destinations, commands) arrive as a Poisson process whose rate
//! is unknown; belief about the rate is a Gamma distribution. After `n` events in `t` seconds a prior
//! `Gamma(a, b)` becomes `Gamma(a + n, b + t)` (conjugacy; Gelman et al., *Bayesian Data Analysis*, 3rd ed.,
//! §2.6), and the count in the next `s` seconds is negative binomial:
//! `P(X >= n) = I_q(n, a)`, `q = s / (b + s)`, with I the regularised incomplete beta function.
//! (Used for network counts by Heard, Weston, Platanioti & Hand 2010, "Bayesian anomaly detection methods for
//! social networks".)
//!
//! **Minimum support**: none. With nothing learned the prior alone answers, which is why a thousand refused
//! connections in a minute need no baseline.
//!
//! **Forgetting**: what was learned halves with each half-life of *observed* time ([`super::remaining`]), so the
//! model returns to its prior and never to ignorance.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{clamped, remaining, special::ln_beta_reg};

/// The most events' worth of certainty: the rate is never taken as known better than ±5 % (1/√400).
///
/// Real processes wander by more than their count's square root; without this bound a busy counter would call
/// every small drift impossible.
pub const CERTAINTY: f64 = 400.0;

/// Observed counts beyond this are judged as if they were this: a thousand millions.
const MAX_EVENTS: f64 = 1e9;

/// Belief about a rate before anything was observed: as if `events` had been seen in `exposure_s` seconds.
///
/// `events` is the shape of the Gamma distribution: 0.5 is vague, 10 is firm. The mean rate is their quotient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// Imagined events (Gamma shape), at least 0.001.
    pub events: f64,
    /// Imagined observation in seconds (Gamma rate), at least a microsecond.
    pub exposure_s: f64,
}

impl Prior {
    /// A prior worth `events` imagined events in `exposure`.
    pub fn new(events: f64, exposure: Duration) -> Self {
        Self { events, exposure_s: exposure.as_secs_f64() }
    }
}

/// What was learned about one rate: faded events and faded observed seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    events: f64,
    exposure_s: f64,
}

impl Counts {
    /// Learns that `events` happened during `observed` time, after fading what was known before.
    pub fn learn(&mut self, events: u64, observed: Duration, half_life: Duration) {
        let kept = remaining(observed, half_life);
        self.events = clamped(self.events * kept + events as f64, 0.0, 1e18);
        self.exposure_s = clamped(self.exposure_s * kept + observed.as_secs_f64(), 0.0, 1e18);
    }

    /// Events learned and not yet forgotten.
    pub fn support(&self) -> f64 {
        self.events
    }

    /// Observed time learned and not yet forgotten, in seconds.
    pub fn exposure_s(&self) -> f64 {
        self.exposure_s
    }

    /// The expected number of events in a `window`.
    pub fn expected(&self, prior: Prior, window: Duration) -> f64 {
        let (shape, rate) = self.posterior(prior);
        shape * window.as_secs_f64() / rate
    }

    /// The probability of `events` or more in a `window`, never zero.
    pub fn p(&self, prior: Prior, events: u64, window: Duration) -> f64 {
        self.ln_p(prior, events, window).exp().max(f64::MIN_POSITIVE)
    }

    /// The natural logarithm of [`Counts::p`], right also where that underflows.
    pub fn ln_p(&self, prior: Prior, events: u64, window: Duration) -> f64 {
        if events == 0 {
            return 0.0;
        }
        let (shape, rate) = self.posterior(prior);
        let window = clamped(window.as_secs_f64(), 1e-9, 1e18);
        let sum = rate + window;
        // Capped where the arithmetic is exact; "at least fewer" is the more probable, so the cap is conservative.
        let events = (events as f64).min(MAX_EVENTS);
        ln_beta_reg(events, shape, window / sum, rate / sum)
    }

    /// Shape and rate of the posterior Gamma distribution, with bounded certainty.
    fn posterior(&self, prior: Prior) -> (f64, f64) {
        let shape = clamped(prior.events, 1e-3, 1e18) + clamped(self.events, 0.0, 1e18);
        let rate = clamped(prior.exposure_s, 1e-6, 1e18) + clamped(self.exposure_s, 0.0, 1e18);
        let scale = (CERTAINTY / shape).min(1.0);
        (shape * scale, rate * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::importance::draw::{Draw, assert_conservative};
    use proptest::prelude::*;

    const NEVER: Duration = Duration::ZERO;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn an_exponential_prior_gives_a_geometric_tail() {
        // Gamma(1, b): P(X >= n) = (s / (b + s))^n.
        let prior = Prior::new(1.0, seconds(30.0));
        for n in [1u64, 2, 10, 500] {
            let ln = Counts::default().ln_p(prior, n, seconds(10.0));
            assert!((ln - n as f64 * 0.25_f64.ln()).abs() < 1e-9, "n = {n}: {ln}");
        }
    }

    #[test]
    fn the_tail_agrees_with_60_digit_arithmetic_far_beyond_f64() {
        // mpmath 1.3, mp.dps = 60: log(betainc(n, a, 0, t / (b + t), regularized=True))
        for (a, b, t, n, want) in [
            (0.5, 1.0, 1.0, 5, -4.593_285_120_472_944),
            (2.0, 10.0, 1.0, 40, -92.295_112_970_236_96),
            (100.5, 1000.0, 1.0, 30, -139.754_559_483_779_93),
            (0.5, 86_400.0, 60.0, 200, -1_457.840_322_451_203_7),
            (50.0, 100.0, 3600.0, 2000, -1.542_702_072_173_586_7),
        ] {
            let ln = Counts::default().ln_p(Prior::new(a, seconds(b)), n, seconds(t));
            assert!((ln - want).abs() < 1e-10 * want.abs(), "({a}, {b}, {t}, {n}): {ln}, want {want}");
        }
    }

    #[test]
    fn learning_is_conjugate() {
        let prior = Prior::new(0.5, seconds(100.0));
        let mut counts = Counts::default();
        counts.learn(7, seconds(50.0), NEVER);
        counts.learn(3, seconds(50.0), NEVER);
        let same = Prior::new(10.5, seconds(200.0));
        assert_eq!(counts.ln_p(prior, 9, seconds(20.0)), Counts::default().ln_p(same, 9, seconds(20.0)));
        assert!((counts.expected(prior, seconds(20.0)) - 1.05).abs() < 1e-12);
    }

    #[test]
    fn a_silent_outage_forgets_nothing_and_observed_silence_forgets() {
        let day = seconds(86_400.0);
        let prior = Prior::new(0.5, day);
        let mut counts = Counts::default();
        counts.learn(1000, day, day);
        let before = counts;
        counts.learn(0, Duration::ZERO, day);
        assert_eq!(counts, before);
        (0..40).for_each(|_| counts.learn(0, day, day));
        assert!(counts.support() < 1e-6 && counts.expected(prior, day) < 0.25);
    }

    #[test]
    fn a_thousand_refusals_in_a_minute_need_no_baseline_and_one_says_nothing() {
        let prior = Prior::new(0.5, seconds(3600.0));
        assert!(Counts::default().p(prior, 1000, seconds(60.0)) < 1e-300);
        assert!(Counts::default().p(prior, 1, seconds(60.0)) > 1e-3);
    }

    #[test]
    fn p_values_are_conservative_on_data_from_the_model() {
        let mut draw = Draw::seeded(1);
        assert_conservative(300_000, || {
            let rate = draw.gamma(2.0) / 10.0;
            let mut counts = Counts::default();
            counts.learn(draw.poisson(rate * 60.0), seconds(60.0), NEVER);
            counts.p(Prior::new(2.0, seconds(10.0)), draw.poisson(rate * 20.0), seconds(20.0))
        });
    }

    proptest! {
        #[test]
        fn more_events_are_never_less_unusual(
            learned in 0u64..100_000, t in 0.0..1e6, window in 0.001..1e6, n in 0u64..1_000_000, more in 0u64..1000
        ) {
            let mut counts = Counts::default();
            counts.learn(learned, seconds(t), NEVER);
            let prior = Prior::new(0.5, seconds(60.0));
            let (p, q) =
                (counts.ln_p(prior, n, seconds(window)), counts.ln_p(prior, n + more, seconds(window)));
            prop_assert!(q <= p + 1e-9 * p.abs().max(1.0), "{q} > {p}");
        }

        #[test]
        fn extreme_input_gives_a_probability(
            a in any::<f64>(), b in any::<f64>(), n in any::<u64>(), learned in any::<u64>(),
            observed in any::<u64>(), window in any::<u64>(), half in any::<u64>()
        ) {
            let prior = Prior { events: a, exposure_s: b };
            let mut counts = Counts::default();
            counts.learn(learned, Duration::from_nanos(observed), Duration::from_nanos(half));
            let p = counts.p(prior, n, Duration::from_nanos(window));
            prop_assert!(p > 0.0 && p <= 1.0, "{p}");
            prop_assert!(counts.expected(prior, Duration::from_nanos(window)).is_finite());
        }
    }
}
