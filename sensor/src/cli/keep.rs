//! What a replay keeps in the state, and when: while it runs, so that a long one that is killed is not lost, and so that
//! nothing is ever learned twice.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::mind::Mind;
use crate::source::Record;
use crate::store::Store;
use crate::store::unfinished::Input;
use crate::time::Time;

/// How often is saved, unless that would take too much of the time.
const EVERY: Duration = Duration::from_secs(1);
/// A replay changes more rows in a second than days of a running sensor: of its time, one part in so many goes into saving.
const SHARE: u32 = 10;

/// The state a replay writes to.
pub(super) struct Keep {
    store: Store,
    input: Input,
    /// Up to this tick everything is in the state already.
    behind: Option<Time>,
    saved: Instant,
    wait: Duration,
}

impl Keep {
    /// Into this state. Says on standard error what was cut off before.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub(super) fn new(store: Store, dir: &Path, input: Input) -> Result<Self> {
        let mut behind = None;
        for one in store.unfinished()? {
            if one.input == input {
                behind = Some(one.until);
                eprintln!(
                    "isthmus: {}: the last replay of these files was cut off at {}; what came before is in the state, and this one \
                     goes on from there",
                    dir.display(),
                    one.until
                );
            } else {
                eprintln!(
                    "isthmus: {}: a replay was cut off at {}: what came after is missing; replay the same again to go on: {}",
                    dir.display(),
                    one.until,
                    one.input.names()
                );
            }
        }
        Ok(Self { store, input, behind, saved: Instant::now(), wait: EVERY })
    }

    /// Whether a record was taken in by the replay that was cut off.
    pub(super) fn is_known(&mut self, record: &Record<'_>) -> bool {
        let Some(until) = self.behind else { return false };
        if let Record::Tick(at) = record
            && *at >= until
        {
            self.behind = None;
            return *at == until;
        }
        true
    }

    /// Whether it is time to save at this record: with a tick, when everything before it was taken in.
    pub(super) fn is_due(&self, record: &Record<'_>) -> Option<Time> {
        match record {
            Record::Tick(at) if self.saved.elapsed() >= self.wait => Some(*at),
            _ => None,
        }
    }

    /// Saves what is known up to the tick `until`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn save(&mut self, mind: &mut Mind, until: Time) -> Result<()> {
        let begun = Instant::now();
        self.store.save_replay(mind, &self.input, Some(until))?;
        self.saved = Instant::now();
        self.wait = EVERY.max(begun.elapsed().saturating_mul(SHARE));
        Ok(())
    }

    /// Saves everything: the replay is over.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn finish(mut self, mind: &mut Mind) -> Result<()> {
        self.store.save_replay(mind, &self.input, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(dir: &Path) -> Keep {
        Keep::new(Store::open(dir).unwrap(), dir, Input::new(&["a.pcap".into()], true, false)).unwrap()
    }

    #[test]
    fn what_was_taken_in_before_the_cut_is_passed_over_and_no_more() {
        let dir = std::env::temp_dir().join(format!("isthmus-keep-{}", std::process::id()));
        let mut keep = keep(&dir);
        let tick = |s| Record::Tick(Time::from_seconds(s));
        assert!(!keep.is_known(&tick(1)), "nothing was cut off");
        keep.behind = Some(Time::from_seconds(5));
        assert_eq!([3, 4, 5, 6].map(|s| keep.is_known(&tick(s))), [true, true, true, false]);
        // Files may have become others: a tick that is not there is none to wait for.
        keep.behind = Some(Time::from_seconds(8));
        assert_eq!([7, 9, 10].map(|s| keep.is_known(&tick(s))), [true, false, false]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
