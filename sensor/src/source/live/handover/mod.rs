//! From the thread that reads the rings to the engine: bounded, so that a slow engine costs records, counted, and never
//! the rings.
//!
//! Each ring has room of its own: a flood in one cannot push out what came through another. What finds no room is
//! refused *before* its totals are taken down, so that its sequence number shows as a loss and the next report of the
//! flow heals the count.

mod batch;
#[cfg(test)]
mod tests;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sensor_ebpf::record::{Header, Reason, Ring};
use zerocopy::FromBytes as _;

use super::{Figures, Losses};
use crate::source::residency::{Clock, Residency};
use crate::source::{Record, Storm, Wish};
use crate::time::Time;
pub use batch::Batch;

/// Wishes that wait for the reading thread.
const MAX_WISHES: usize = 1 << 16;
/// Seconds that wait for the engine; further ones are left out, and record time jumps.
const MAX_SECONDS: usize = 600;

/// Reads raw records into a batch, as long as there is room.
pub struct Teller {
    /// What was reported of each place of the flow cache.
    pub residency: Residency,
    batch: Batch,
    /// Bytes the engine had not taken when it was last looked, by ring.
    waiting: [usize; Ring::COUNT],
    limits: [usize; Ring::COUNT],
    seconds_waiting: usize,
    /// Records refused for lack of room, by ring.
    refused: [u64; Ring::COUNT],
    /// Seconds left out.
    skipped: u64,
}

impl Teller {
    /// With room for `limits` bytes of each ring.
    pub fn new(residency: Residency, limits: [usize; Ring::COUNT]) -> Self {
        Self {
            residency,
            batch: Batch::default(),
            waiting: [0; Ring::COUNT],
            limits,
            seconds_waiting: 0,
            refused: [0; Ring::COUNT],
            skipped: 0,
        }
    }

    /// Whether a record of `ring` finds room.
    fn has_room(&self, ring: Ring) -> bool {
        let at = ring as usize;
        let [waiting, here, limit] =
            [&self.waiting, &self.batch.held, &self.limits].map(|of| of.get(at).copied().unwrap_or(0));
        waiting.saturating_add(here) < limit
    }

    /// Whether flow news finds room: without it there is no use in looking for any.
    pub fn has_room_for_flows(&self) -> bool {
        self.has_room(Ring::Lifecycle)
    }

    /// Takes a raw record, or counts it as refused.
    pub fn tell(&mut self, raw: &[u8], clock: &Clock) {
        if let Ok((header, _)) = Header::read_from_prefix(raw)
            && let Some(ring) = Ring::ALL.into_iter().find(|ring| *ring as u8 == header.ring)
            && !self.has_room(ring)
        {
            // What a sweep read is read again by the next one.
            if header.reason != Reason::Swept as u8
                && let Some(refused) = self.refused.get_mut(ring as usize)
            {
                *refused = refused.saturating_add(1);
            }
            return;
        }
        let batch = &mut self.batch;
        self.residency.read(raw, clock, &mut |record| batch.push(&record));
    }

    /// Takes a storm.
    pub fn storm(&mut self, storm: Storm) {
        self.batch.push(&Record::Storm(storm));
    }

    /// Ends a second.
    pub fn second(&mut self, at: Time, figures: Figures) {
        if self.seconds_waiting.saturating_add(self.batch.seconds) < MAX_SECONDS {
            self.batch.second(at, figures);
        } else {
            self.skipped = self.skipped.saturating_add(1);
        }
    }

    /// What was lost here.
    pub const fn losses(&self) -> Losses {
        Losses {
            refused: self.refused,
            skipped: self.skipped,
            unreadable: self.residency.unreadable,
            late: 0,
            hurried: 0,
        }
    }
}

/// What both threads share.
#[derive(Default)]
struct Inside {
    batch: Batch,
    wishes: Vec<Wish>,
    refused_wishes: u64,
    stop: Option<Stop>,
    /// The reading thread is over.
    over: Option<anyhow::Result<()>>,
}

/// How the reading thread is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Reads what is left, then ends.
    Finish,
    /// Ends.
    Abandon,
}

/// The place where records and wishes change hands.
#[derive(Default)]
pub struct Handover {
    inside: Mutex<Inside>,
    arrived: Condvar,
}

impl Handover {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reading thread: hands over what `teller` holds, and takes wishes into `wishes`; tells whether to stop.
    pub fn publish(&self, teller: &mut Teller, wishes: &mut Vec<Wish>) -> Option<Stop> {
        let mut inside = self.lock();
        if !teller.batch.is_empty() {
            inside.batch.append(&mut teller.batch);
            self.arrived.notify_one();
        }
        teller.waiting = inside.batch.held;
        teller.seconds_waiting = inside.batch.seconds;
        wishes.append(&mut inside.wishes);
        inside.stop
    }

    /// Reading thread: nothing more will come.
    pub fn close(&self, outcome: anyhow::Result<()>) {
        let mut inside = self.lock();
        if inside.over.is_none() {
            inside.over = Some(outcome);
        }
        self.arrived.notify_one();
    }

    /// Engine: exchanges the empty `batch` for what has come, waiting at most `patience`. `Ok(false)`: it is over.
    ///
    /// # Errors
    /// What ended the reading thread, once.
    pub fn take(&self, batch: &mut Batch, patience: Duration) -> anyhow::Result<bool> {
        batch.reset();
        let inside = self.lock();
        let idle = |inside: &mut Inside| inside.batch.is_empty() && inside.over.is_none();
        let (mut inside, _) =
            self.arrived.wait_timeout_while(inside, patience, idle).unwrap_or_else(PoisonError::into_inner);
        if inside.batch.is_empty() {
            return match inside.over.replace(Ok(())) {
                None => {
                    inside.over = None;
                    Ok(true)
                }
                Some(outcome) => outcome.map(|()| false),
            };
        }
        std::mem::swap(&mut inside.batch, batch);
        Ok(true)
    }

    /// Engine: leaves wishes.
    pub fn wish(&self, wishes: &[Wish]) {
        if wishes.is_empty() {
            return;
        }
        let mut inside = self.lock();
        let room = MAX_WISHES.saturating_sub(inside.wishes.len()).min(wishes.len());
        inside.wishes.extend(wishes.iter().take(room));
        inside.refused_wishes =
            inside.refused_wishes.saturating_add(wishes.len().saturating_sub(room) as u64);
    }

    /// Engine: asks the reading thread to end.
    pub fn stop(&self, how: Stop) {
        self.lock().stop = Some(how);
    }
}
