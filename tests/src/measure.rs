//! Measuring on a machine that others use too: processor time instead of wall time, variants in turn instead of one
//! after another, and ratios within a round instead of absolute times, which drift by a fifth from run to run.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

fn clock(id: ClockId) -> Duration {
    let now = clock_gettime(id);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Processor time of this thread.
#[must_use]
pub fn thread_cpu() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// Processor time of this process, all its threads.
#[must_use]
pub fn process_cpu() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

/// What each variant took in each round.
#[derive(Clone, Debug)]
pub struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    /// Runs every variant once a round, forward in one and backward in the next, after a round that does not count.
    ///
    /// # Errors
    /// The first that `run`, given a variant's number, reports.
    pub fn take<E>(
        rounds: usize,
        variants: usize,
        mut run: impl FnMut(usize) -> Result<f64, E>,
    ) -> Result<Self, E> {
        let mut taken = Vec::with_capacity(rounds);
        for round in 0..=rounds {
            let mut row = vec![0.0; variants];
            for turn in 0..variants {
                let variant = if round % 2 == 0 { turn } else { variants - 1 - turn };
                row[variant] = run(variant)?;
            }
            if round > 0 {
                taken.push(row);
            }
        }
        Ok(Self(taken))
    }

    /// The median over rounds of what `of` makes of a round.
    #[must_use]
    pub fn median(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        self.quantile(0.5, of)
    }

    /// Likewise any quantile: 0 is the least, 1 the largest.
    #[must_use]
    pub fn quantile(&self, q: f64, of: impl Fn(&[f64]) -> f64) -> f64 {
        let mut values: Vec<f64> = self.0.iter().map(|row| of(row)).collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1) as f64;
        values.get((q.clamp(0.0, 1.0) * last).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_take_turns_forward_and_backward_and_the_first_round_does_not_count() {
        let mut order = Vec::new();
        let rounds = Rounds::take(2, 3, |variant| {
            order.push(variant);
            Ok::<_, ()>(order.len() as f64)
        });
        assert_eq!(order, [0, 1, 2, 2, 1, 0, 0, 1, 2]);
        let rounds = rounds.unwrap();
        assert_eq!(rounds.median(|row| row[0]), 7.0);
        assert_eq!(rounds.quantile(0.0, |row| row[2]), 4.0);
    }

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        // The machine slows down fourfold halfway; the ratio stays.
        let mut calls = 0;
        let rounds = Rounds::take(9, 2, |variant| {
            calls += 1;
            let speed = if calls > 10 { 4.0 } else { 1.0 };
            Ok::<_, ()>(speed * if variant == 0 { 10.0 } else { 15.0 })
        });
        assert!((rounds.unwrap().median(|row| row[1] / row[0]) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn working_takes_processor_time_and_sleeping_does_not() {
        let before = thread_cpu();
        std::thread::sleep(Duration::from_millis(30));
        let slept = thread_cpu() - before;
        assert!(slept < Duration::from_millis(20), "{slept:?}");
        let mut sum = 0_u64;
        while thread_cpu() - before < Duration::from_millis(2) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0 && process_cpu() >= thread_cpu() - before);
    }
}
