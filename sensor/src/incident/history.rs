//! How unusual an incident's findings were over time, in a bounded number of steps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::importance::Importance;
use crate::time::Time;

/// Steps kept; beyond them two neighbours become one of twice the length.
const MAX_STEPS: usize = 240;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When it begins.
    pub at: Time,
    /// The highest importance in it, where one was known.
    pub importance: Option<Importance>,
    /// Findings raised and repeated in it.
    pub count: u64,
}

/// Importance over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Length of a step in seconds.
    pub step_s: u64,
    /// Steps in which something happened, oldest first.
    pub steps: Vec<Step>,
}

impl Default for History {
    fn default() -> Self {
        Self { step_s: 60, steps: Vec::new() }
    }
}

impl History {
    /// Something happened.
    pub fn note(&mut self, at: Time, importance: Option<Importance>) {
        let start = self.start(at);
        match self.steps.binary_search_by_key(&start, |step| step.at) {
            Ok(found) => {
                if let Some(step) = self.steps.get_mut(found) {
                    step.importance = step.importance.max(importance);
                    step.count = step.count.saturating_add(1);
                }
            }
            Err(place) => self.steps.insert(place, Step { at: start, importance, count: 1 }),
        }
        while self.steps.len() > MAX_STEPS {
            self.coarsen();
        }
    }

    fn start(&self, at: Time) -> Time {
        let step = Duration::from_secs(self.step_s.max(1)).as_nanos() as u64;
        Time(at.0.saturating_sub(at.0 % step.max(1)))
    }

    fn coarsen(&mut self) {
        self.step_s = self.step_s.max(1).saturating_mul(2);
        for step in std::mem::take(&mut self.steps) {
            let at = self.start(step.at);
            match self.steps.last_mut().filter(|last| last.at == at) {
                Some(last) => {
                    last.importance = last.importance.max(step.importance);
                    last.count = last.count.saturating_add(step.count);
                }
                None => self.steps.push(Step { at, ..step }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_incident_keeps_its_peaks_and_its_counts_in_few_steps() {
        let mut history = History::default();
        for minute in 0..100_000_u64 {
            let peak = if minute == 77_777 { Importance::CAP } else { 1.0 };
            history.note(Time::from_seconds(minute * 60), Some(Importance::from(peak)));
        }
        assert!(history.steps.len() <= MAX_STEPS, "{}", history.steps.len());
        assert_eq!(history.steps.iter().map(|step| step.count).sum::<u64>(), 100_000);
        let peak = history.steps.iter().max_by_key(|step| step.importance).unwrap();
        let end = peak.at.seconds() + history.step_s;
        assert!((peak.at.seconds()..end).contains(&(77_777 * 60)));
        assert!(history.steps.is_sorted_by_key(|step| step.at));
    }
}
