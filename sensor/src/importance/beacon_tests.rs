//! Tests of periodicity: exactness of the p-value by simulation, robustness, bounded memory.

use super::*;
use crate::importance::draw::Draw;
use proptest::prelude::*;

fn arrivals(merge: Duration, intervals: impl IntoIterator<Item = f64>) -> Intervals {
    let mut ring = Intervals::new(merge);
    let mut time = Time::from_seconds(1_700_000_000);
    ring.arrive(time);
    for interval in intervals {
        time = time.plus(Duration::from_secs_f64(interval));
        ring.arrive(time);
    }
    ring
}

#[test]
fn a_minute_beacon_with_jitter_and_a_missed_beat_scores_high_and_is_unusual() {
    let mut draw = Draw::seeded(8);
    let beats = (0..40).map(|i| if i == 20 { 120.0 } else { 60.0 + 2.0 * draw.normal() });
    let beat = arrivals(Duration::ZERO, beats).judge().unwrap();
    assert!((59.0..61.0).contains(&beat.period_s) && beat.jitter_s < 3.0, "{beat:?}");
    assert!(beat.score > 0.8, "{beat:?}");
    assert!(beat.p < 1e-10, "{beat:?}");
}

#[test]
fn a_perfect_clock_has_a_full_score_and_a_p_above_zero() {
    let beat = arrivals(Duration::ZERO, [30.0; 62]).judge().unwrap();
    assert_eq!(beat.score, 1.0);
    assert!(beat.p > 0.0 && beat.p < 1e-60, "{beat:?}");
}

#[test]
fn the_score_is_ritas_formula() {
    // Intervals 1..=11: quartiles 3 and 9, median 6, MAD 3: skew 0, so (1 + (1 - 3/6)) / 2.
    let beat = arrivals(Duration::ZERO, (1..=11).map(f64::from)).judge().unwrap();
    assert!((beat.score - 0.75).abs() < 1e-9, "{beat:?}");
}

#[test]
fn three_intervals_have_a_closed_form() {
    // k = 1, c >= 1: the interval below is always within reach, so p = 1.
    assert!((p_regular(1, 1.0) - 1.0).abs() < 1e-4);
    // Below c = 1: P = ∫ 6 v (1-v) (1 - (1-a)(1-b)) dv, done in mpmath for c = 1/2 (see the module's a and b).
    assert!((p_regular(1, 0.5) - 0.6).abs() < 1e-4, "{}", p_regular(1, 0.5));
}

#[test]
fn too_few_intervals_give_no_answer() {
    assert_eq!(arrivals(Duration::ZERO, [60.0; 10]).judge(), None);
    assert!(arrivals(Duration::ZERO, [60.0; 11]).judge().is_some());
}

#[test]
fn arrivals_within_the_merge_time_are_one_beat() {
    let bursts = (0..30).flat_map(|_| [0.1, 0.1, 59.8]);
    let ring = arrivals(Duration::from_secs(1), bursts);
    assert_eq!(ring.len(), 30);
    assert!((ring.judge().unwrap().period_s - 60.0).abs() < 1e-6);
}

#[test]
fn memory_is_bounded_and_backward_time_is_ignored() {
    let mut ring = arrivals(Duration::ZERO, (0..10_000).map(|i| 1.0 + f64::from(i % 7)));
    assert_eq!(ring.len(), MAX_INTERVALS);
    ring.arrive(Time(0));
    assert_eq!(ring.len(), MAX_INTERVALS);
}

/// The dispersion at which p is `level`, by bisection.
fn critical(k: usize, level: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let c = 0.5 * (low + high);
        if p_regular(k, c) < level { low = c } else { high = c }
    }
    low
}

#[test]
fn p_is_exact_for_poisson_arrivals_also_when_bursts_are_merged() {
    // The dispersion is compared with that of p = a rather than p with a: the same question, but cheap enough
    // for the million trials that tell 0.0011 from 0.0010.
    const TRIALS: u32 = 500_000;
    const BEATS: usize = 11;
    let levels = [0.1, 0.01, 0.001];
    let limits = levels.map(|level| critical(BEATS / 2, level));
    for (merge, seed) in [(Duration::ZERO, 9), (Duration::from_secs(1), 10)] {
        let mut draw = Draw::seeded(seed);
        let mut hits = [0u32; 3];
        let mut ring = Intervals::new(merge);
        let mut time = Time::from_seconds(1);
        for _ in 0..TRIALS {
            ring.recent.clear();
            while ring.len() < BEATS {
                time = time.plus(Duration::from_secs_f64(40.0 * draw.exponential()));
                ring.arrive(time);
            }
            let (_, k, dispersion) = ring.measure().unwrap();
            assert_eq!(k, BEATS / 2);
            for (hit, limit) in hits.iter_mut().zip(limits) {
                *hit += u32::from(dispersion <= limit);
            }
        }
        for (hit, level) in hits.into_iter().zip(levels) {
            let rate = f64::from(hit) / f64::from(TRIALS);
            assert!((0.9..=1.1).contains(&(rate / level)), "P(p <= {level}) is {rate}, merged {merge:?}");
        }
    }
}

#[test]
fn p_is_conservative_for_poisson_arrivals_of_any_number() {
    for beats in [13, 25, 63] {
        let limit = critical(beats / 2, 0.1);
        let mut draw = Draw::seeded(beats as u64);
        let mut hits = 0u32;
        for _ in 0..40_000 {
            let ring = arrivals(Duration::ZERO, (0..beats).map(|_| 40.0 * draw.exponential()));
            hits += u32::from(ring.measure().unwrap().2 <= limit);
        }
        assert!((3_600..=4_400).contains(&hits), "{hits} of 40000 below 0.1 with {beats} intervals");
    }
}

#[test]
fn more_jitter_is_less_unusual() {
    let mut last = 0.0;
    for c in [1e-6, 1e-3, 0.01, 0.1, 0.3, 0.6, 0.9, 1.0] {
        let p = p_regular(20, c);
        assert!(p > last && p <= 1.0, "c = {c}: {p} after {last}");
        last = p;
    }
    // No deviation of the nearer half can exceed the median itself.
    assert_eq!(p_regular(20, 5.0), 1.0);
}

proptest! {
    #[test]
    fn extreme_input_gives_a_probability_and_a_score(
        recent in prop::collection::vec(any::<f64>(), 0..80), merge_s in any::<f64>(), times in prop::collection::vec(any::<u64>(), 0..80)
    ) {
        let mut ring = Intervals { last: None, recent: recent.into(), merge_s };
        times.into_iter().for_each(|time| ring.arrive(Time(time)));
        if let Some(beat) = ring.judge() {
            prop_assert!(beat.p > 0.0 && beat.p <= 1.0, "{beat:?}");
            prop_assert!((0.0..=1.0).contains(&beat.score), "{beat:?}");
        }
    }
}
