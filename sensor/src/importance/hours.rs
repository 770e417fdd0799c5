//! Odd times: a circular histogram of the week.
//!
//! 168 bins, one an hour, Monday 00:00 first, in the plant's local time. The density is smoothed with a wrapped
//! Gaussian kernel ([`KERNEL_HOURS`]), so that 17:00 is nearly as usual as a learned 16:00 and Sunday night runs
//! into Monday morning. The p-value is the share of what was learned, the new observation included, that lies in
//! bins at most as dense as the observed one. This is the conformal p-value of kernel density level sets (Lei,
//! Robins & Wasserman 2013, "Distribution-free prediction sets", JASA 108): it holds `P(p <= a) <= a` for *any*
//! weekly pattern, as long as observations are exchangeable. So learn and judge sessions, not packets.
//!
//! **Minimum support**: [`MIN_SUPPORT`] observations; below it there is no answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{clamped, remaining};

/// Hours in a week.
pub const BINS: usize = 168;

/// Standard deviation of the smoothing kernel in hours.
pub const KERNEL_HOURS: f64 = 1.0;

/// Observations below which there is no answer. With fewer no p could be below one in twenty anyway.
pub const MIN_SUPPORT: f64 = 20.0;

/// Bins on either side the kernel reaches: four standard deviations.
const REACH: usize = 4;

/// The hour of the week, 0 to 167 from Monday 00:00, of an instant in `seconds` since 1970-01-01T00:00:00Z seen
/// `offset` seconds east of Greenwich.
pub fn hour_of_week(seconds: u64, offset: i32) -> usize {
    // 1970-01-01 was a Thursday: three days after Monday.
    let local = i128::from(seconds) + i128::from(offset) + 3 * 86_400;
    usize::try_from(local.rem_euclid(7 * 86_400) / 3600).unwrap_or(0)
}

/// What was learned about the hours of the week: faded counts, one a bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hours {
    bins: Vec<f64>,
}

impl Default for Hours {
    fn default() -> Self {
        Self { bins: vec![0.0; BINS] }
    }
}

impl Hours {
    /// Learns one observation in an hour of the week; hours beyond 167 wrap round.
    pub fn learn(&mut self, hour: usize) {
        // A stored histogram of another length is brought to this one.
        self.bins.resize(BINS, 0.0);
        if let Some(bin) = self.bins.get_mut(hour % BINS) {
            *bin = clamped(*bin + 1.0, 0.0, 1e15);
        }
    }

    /// Forgets: `observed` time passes, counts halve with each `half_life`.
    pub fn fade(&mut self, observed: Duration, half_life: Duration) {
        let kept = remaining(observed, half_life);
        self.bins.iter_mut().for_each(|bin| *bin *= kept);
    }

    /// Observations learned and not yet forgotten.
    pub fn support(&self) -> f64 {
        (0..BINS).map(|hour| self.weight(hour)).sum()
    }

    /// The expected share of observations in this hour of the week, smoothed; 1/168 when nothing was learned.
    pub fn expected(&self, hour: usize) -> f64 {
        let support = self.support();
        if support > 0.0 { self.density(hour % BINS) / support } else { 1.0 / BINS as f64 }
    }

    /// The probability of an hour at most as usual as this one; `None` below the minimum support.
    pub fn p(&self, hour: usize) -> Option<f64> {
        let support = self.support();
        if support < MIN_SUPPORT {
            return None;
        }
        let mut with = self.clone();
        with.learn(hour);
        let limit = with.density(hour % BINS) * (1.0 + 1e-9);
        let rare: f64 = (0..BINS).filter(|&bin| with.density(bin) <= limit).map(|bin| with.weight(bin)).sum();
        Some(clamped(rare / (support + 1.0), f64::MIN_POSITIVE, 1.0))
    }

    /// Whether nothing was ever learned within [`REACH`] hours of this hour's time of day, on any day of the week: what a
    /// person calls an odd hour after a handful of observations, of which no p could be small.
    pub fn is_new_time_of_day(&self, hour: usize) -> bool {
        let near = |step: usize| (hour % BINS + BINS + step - REACH) % 24;
        (0..=2 * REACH).all(|step| (near(step)..BINS).step_by(24).all(|bin| self.weight(bin) < 0.5))
    }

    fn weight(&self, hour: usize) -> f64 {
        self.bins.get(hour).map_or(0.0, |bin| clamped(*bin, 0.0, 1e15))
    }

    /// The smoothed count of a bin.
    fn density(&self, hour: usize) -> f64 {
        let mut sum = 0.0;
        let mut norm = 0.0;
        for step in 0..=2 * REACH {
            let distance = (step as f64 - REACH as f64) / KERNEL_HOURS;
            let kernel = (-0.5 * distance * distance).exp();
            norm += kernel;
            sum += kernel * self.weight((hour + BINS + step - REACH) % BINS);
        }
        sum / norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::importance::draw::{Draw, assert_conservative};
    use proptest::prelude::*;

    /// Weekdays nine to five, with the given number of weeks learned.
    fn office(weeks: usize) -> Hours {
        let mut hours = Hours::default();
        for _ in 0..weeks {
            for day in 0..5 {
                (9..17).for_each(|hour| hours.learn(day * 24 + hour));
            }
        }
        hours
    }

    #[test]
    fn the_week_starts_on_monday_in_local_time() {
        assert_eq!(hour_of_week(0, 0), 3 * 24); // Thursday 1970-01-01 00:00
        assert_eq!(hour_of_week(1_700_000_000, 0), 24 + 22); // Tuesday 2023-11-14 22:13:20
        assert_eq!(hour_of_week(1_700_000_000, 2 * 3600), 2 * 24);
        assert_eq!(hour_of_week(0, -3600), 2 * 24 + 23);
    }

    #[test]
    fn night_is_odd_the_next_hour_is_less_so_and_office_hours_are_usual() {
        let hours = office(5);
        let night = hours.p(6 * 24 + 3).unwrap();
        assert!((night - 1.0 / 201.0).abs() < 1e-12, "{night}");
        assert!(hours.p(24 + 12).unwrap() > 0.5);
        assert!(hours.expected(24 + 17) > hours.expected(24 + 22));
        assert!(hours.p(24 + 17).unwrap() >= night);
    }

    #[test]
    fn sunday_night_runs_into_monday_morning() {
        let mut hours = Hours::default();
        (0..50).for_each(|_| hours.learn(167));
        assert!(hours.expected(0) > 10.0 * hours.expected(5));
        assert!((hours.expected(0) - hours.expected(166)).abs() < 1e-12);
    }

    #[test]
    fn too_little_learned_gives_no_answer() {
        let mut hours = Hours::default();
        (0..19).for_each(|_| hours.learn(10));
        assert_eq!(hours.p(100), None);
        hours.learn(10);
        assert!(hours.p(100).is_some());
        hours.fade(Duration::from_secs(10), Duration::from_secs(10));
        assert_eq!(hours.p(100), None);
    }

    #[test]
    fn a_time_of_day_is_new_where_no_day_had_anything_near_it() {
        let hours = office(1);
        for (day, hour, new) in
            [(6, 3, true), (6, 12, false), (2, 20, false), (2, 21, true), (0, 4, true), (0, 5, false)]
        {
            assert_eq!(hours.is_new_time_of_day(day * 24 + hour), new, "day {day}, hour {hour}");
        }
        let mut late = Hours::default();
        late.learn(23);
        assert!(!late.is_new_time_of_day(24 + 2), "midnight is no border");
    }

    #[test]
    fn p_values_are_conservative_for_a_flat_week_and_for_a_working_week() {
        let mut draw = Draw::seeded(3);
        for flat in [true, false] {
            let mut one = || {
                let u = draw.uniform();
                if flat || u < 0.05 {
                    (draw.uniform() * 168.0) as usize
                } else {
                    (draw.uniform() * 5.0) as usize * 24 + (12.0 + 2.5 * draw.normal()) as usize
                }
            };
            assert_conservative(12_000, || {
                let mut hours = Hours::default();
                (0..60).for_each(|_| hours.learn(one()));
                hours.p(one()).unwrap()
            });
        }
    }

    proptest! {
        #[test]
        fn extreme_input_gives_a_probability(
            bins in prop::collection::vec(any::<f64>(), 0..200), hour in any::<usize>(), fade in any::<u64>()
        ) {
            let mut hours = Hours { bins };
            hours.learn(hour);
            hours.fade(Duration::from_nanos(fade), Duration::from_secs(1));
            prop_assert!(hours.expected(hour).is_finite());
            if let Some(p) = hours.p(hour) {
                prop_assert!(p > 0.0 && p <= 1.0, "{p}");
            }
        }
    }
}
