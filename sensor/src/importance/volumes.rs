//! Volumes and durations: the log-normal family.
//!
//! `y = ln(1 + x)` of a volume in bytes or a duration in seconds is taken as normal with unknown mean and
//! variance; belief about both is Normal-Inverse-Gamma. The conjugate update and the predictive distribution, a
//! Student t with `2 a` degrees of freedom, location `m` and squared scale `b (k + 1) / (a k)`, are those of
//! Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution", §3 (also Gelman et al., *Bayesian
//! Data Analysis*, 3rd ed., §3.3). The t tail is heavier than the normal while little is known.
//!
//! **Minimum support**: [`MIN_SUPPORT`] observations; below it the prior of the service answers alone. Give the
//! prior a wide spread: a first 5 MB upload then says nothing.
//!
//! **Back-off**: [`Volumes::as_prior`] turns what a whole role or site learned into the prior of one pair.
//!
//! Absolute floors (below which no volume is worth a word) belong to the detector.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{clamped, remaining, special::ln_student_upper};

/// Observations below which only the prior answers.
pub const MIN_SUPPORT: f64 = 5.0;

/// The most observations' worth of certainty. Real volumes are only roughly log-normal: the tail keeps the
/// weight of a Student t with some 200 degrees of freedom.
pub const CERTAINTY: f64 = 200.0;

/// The least standard deviation of `ln x` believed: ±20 %. Sessions that moved the same bytes fifty times do not
/// make one with 1 % more impossible.
pub const MIN_SPREAD: f64 = 0.2;

/// Belief about a volume before anything was observed; documented per service by the detector that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// The median, in the unit observed (bytes or seconds).
    pub typical: f64,
    /// The factor of one standard deviation: 10 means two thirds lie within a tenth and ten times the median.
    pub spread: f64,
    /// How many observations the belief about the median is worth (κ₀), at least 0.01.
    pub weight: f64,
    /// How many observations the belief about the spread is worth (2 α₀): the degrees of freedom of the tail
    /// when nothing is learned, at least 1.
    pub freedom: f64,
}

impl Prior {
    /// `(m, k, a, b)` of the Normal-Inverse-Gamma distribution.
    fn parameters(self) -> (f64, f64, f64, f64) {
        let sigma = clamped(self.spread, 1.0, 1e100).ln().max(MIN_SPREAD);
        let a = clamped(self.freedom, 1.0, 1e6) / 2.0;
        (level(self.typical), clamped(self.weight, 0.01, 1e6), a, a * sigma * sigma)
    }
}

/// `ln(1 + x)` for any input; what is not a positive number counts as zero.
fn level(x: f64) -> f64 {
    clamped(x, 0.0, f64::MAX).ln_1p()
}

/// What was learned about one volume: faded weight, mean and sum of squared deviations of `ln(1 + x)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volumes {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Volumes {
    /// Learns one observation `x`, in bytes or seconds (West 1979, weighted incremental variance).
    pub fn learn(&mut self, x: f64) {
        let delta = level(x) - self.mean;
        self.weight += 1.0;
        self.mean += delta / self.weight;
        self.squares += delta * (level(x) - self.mean);
        self.scale((CERTAINTY / self.weight).min(1.0));
    }

    /// Forgets: `observed` time passes, the weight of what was learned halves with each `half_life`.
    pub fn fade(&mut self, observed: Duration, half_life: Duration) {
        self.scale(remaining(observed, half_life));
    }

    fn scale(&mut self, factor: f64) {
        self.weight *= factor;
        self.squares *= factor;
    }

    /// Observations learned and not yet forgotten, at most [`CERTAINTY`].
    pub fn support(&self) -> f64 {
        self.weight
    }

    /// The expected (median) volume, in the unit observed.
    pub fn expected(&self, prior: Prior) -> f64 {
        self.predictive(prior).location.exp_m1()
    }

    /// The probability of a volume of `x` or more, never zero.
    pub fn p(&self, prior: Prior, x: f64) -> f64 {
        self.ln_p(prior, x).exp().max(f64::MIN_POSITIVE)
    }

    /// The natural logarithm of [`Volumes::p`], right also where that underflows.
    pub fn ln_p(&self, prior: Prior, x: f64) -> f64 {
        let predictive = self.predictive(prior);
        ln_student_upper((level(x) - predictive.location) / predictive.scale, predictive.freedom)
    }

    /// A prior for a part of what this pool covers: the pool's median and spread, with the weights of `prior`.
    pub fn as_prior(&self, prior: Prior) -> Prior {
        let (m, _, a, b) = self.posterior(prior);
        Prior { typical: m.exp_m1(), spread: (b / a).sqrt().exp(), ..prior }
    }

    fn posterior(&self, prior: Prior) -> (f64, f64, f64, f64) {
        let (m, k, a, b) = prior.parameters();
        let w = if self.weight >= MIN_SUPPORT { clamped(self.weight, 0.0, CERTAINTY) } else { 0.0 };
        if w == 0.0 {
            return (m, k, a, b);
        }
        let mean = clamped(self.mean, 0.0, 1000.0);
        let squares = clamped(self.squares, 0.0, 1e9);
        let shift = k * w * (mean - m) * (mean - m) / (k + w);
        ((k * m + w * mean) / (k + w), k + w, a + w / 2.0, b + 0.5 * (squares + shift))
    }

    fn predictive(&self, prior: Prior) -> Predictive {
        let (m, k, a, b) = self.posterior(prior);
        let scale = (b * (k + 1.0) / (a * k)).sqrt().max(MIN_SPREAD);
        Predictive { location: m, scale, freedom: 2.0 * a }
    }
}

/// The Student t of the next observation's `ln(1 + x)`.
struct Predictive {
    location: f64,
    scale: f64,
    freedom: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::importance::draw::{Draw, assert_conservative};
    use proptest::prelude::*;

    const RDP_UP: Prior = Prior { typical: 1e6, spread: 10.0, weight: 1.0, freedom: 4.0 };

    #[test]
    fn the_prior_alone_is_the_student_t_of_its_closed_form() {
        // Two degrees of freedom: P(T > t) = 1/2 - t / (2 sqrt(2 + t²)), scale² = ln²(10) (1 + 1) / 1.
        let prior = Prior { freedom: 2.0, ..RDP_UP };
        let t = (1e9_f64.ln_1p() - 1e6_f64.ln_1p()) / (10.0_f64.ln() * 2.0_f64.sqrt());
        let want = 0.5 - t / (2.0 * (2.0 + t * t).sqrt());
        assert!((Volumes::default().p(prior, 1e9) - want).abs() < 1e-12);
        assert!((Volumes::default().p(prior, 1e6) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_update_is_the_conjugate_one() {
        // Six observations worked by hand: y = 1..=6 has mean 3.5 and squared deviations 17.5.
        let mut volumes = Volumes::default();
        (1..=6).for_each(|y| volumes.learn(f64::from(y).exp_m1()));
        let prior = Prior { typical: 1.0_f64.exp_m1(), spread: 2.0_f64.exp(), weight: 2.0, freedom: 3.0 };
        let (m, k, a, b) = volumes.posterior(prior);
        assert!((m - (2.0 + 21.0) / 8.0).abs() < 1e-12 && k == 8.0 && a == 4.5);
        assert!((b - (1.5 * 4.0 + 8.75 + 2.0 * 6.0 * 6.25 / 16.0)).abs() < 1e-12, "{b}");
    }

    #[test]
    fn a_first_upload_says_nothing_and_a_learned_pair_is_judged_by_itself() {
        let mut volumes = Volumes::default();
        assert!(volumes.p(RDP_UP, 5e6) > 0.1);
        (0..4).for_each(|_| volumes.learn(2e4));
        assert_eq!(volumes.p(RDP_UP, 5e6), Volumes::default().p(RDP_UP, 5e6), "below minimum support");
        (0..40).for_each(|i| volumes.learn(2e4 * (1.0 + 0.02 * f64::from(i % 10))));
        assert!(volumes.p(RDP_UP, 5e8) < 1e-6, "{}", volumes.p(RDP_UP, 5e8));
        assert!((1.5e4..4e4).contains(&volumes.expected(RDP_UP)));
    }

    #[test]
    fn identical_volumes_do_not_make_a_slightly_larger_one_impossible() {
        let mut volumes = Volumes::default();
        (0..10_000).for_each(|_| volumes.learn(1e6));
        assert!(volumes.p(RDP_UP, 1.1e6) > 0.1);
        assert!(volumes.support() <= CERTAINTY);
    }

    #[test]
    fn what_is_forgotten_returns_to_the_prior() {
        let day = Duration::from_secs(86_400);
        let mut volumes = Volumes::default();
        (0..50).for_each(|_| volumes.learn(100.0));
        volumes.fade(day * 30, day);
        assert_eq!(volumes.p(RDP_UP, 1e7), Volumes::default().p(RDP_UP, 1e7));
    }

    #[test]
    fn a_pool_becomes_the_prior_of_its_parts() {
        let mut pool = Volumes::default();
        (0..100).for_each(|i| pool.learn(if i % 2 == 0 { 1e3 } else { 1e5 }));
        let prior = pool.as_prior(RDP_UP);
        assert!((5e3..2e4).contains(&prior.typical), "{prior:?}");
        assert!((8.0..14.0).contains(&prior.spread), "{prior:?}");
        assert_eq!((prior.weight, prior.freedom), (RDP_UP.weight, RDP_UP.freedom));
    }

    #[test]
    fn p_values_are_conservative_on_data_from_the_model() {
        let mut draw = Draw::seeded(2);
        let prior = Prior { typical: 1e8, spread: 3.0, weight: 1.0, freedom: 6.0 };
        let (m, k, a, b) = prior.parameters();
        let mut trial = 0;
        assert_conservative(1_000_000, || {
            trial += 1;
            let sigma = (b / draw.gamma(a)).sqrt();
            let mu = m + sigma / k.sqrt() * draw.normal();
            let mut volumes = Volumes::default();
            (0..trial % 16).for_each(|_| volumes.learn((mu + sigma * draw.normal()).exp_m1()));
            volumes.p(prior, (mu + sigma * draw.normal()).exp_m1())
        });
    }

    proptest! {
        #[test]
        fn a_larger_volume_is_never_less_unusual(
            xs in prop::collection::vec(0.0..1e15, 0..30), x in 0.0..1e18, factor in 1.0..1e6
        ) {
            let mut volumes = Volumes::default();
            xs.into_iter().for_each(|x| volumes.learn(x));
            let (p, q) = (volumes.ln_p(RDP_UP, x), volumes.ln_p(RDP_UP, x * factor));
            prop_assert!(q <= p + 1e-9 * p.abs().max(1.0));
        }

        #[test]
        fn extreme_input_gives_a_probability(
            xs in prop::collection::vec(any::<f64>(), 0..30), x in any::<f64>(),
            typical in any::<f64>(), spread in any::<f64>(), weight in any::<f64>(), freedom in any::<f64>()
        ) {
            let prior = Prior { typical, spread, weight, freedom };
            let mut volumes = Volumes::default();
            xs.into_iter().for_each(|x| volumes.learn(x));
            let p = volumes.p(prior, x);
            prop_assert!(p > 0.0 && p <= 1.0, "{p}");
        }
    }
}
