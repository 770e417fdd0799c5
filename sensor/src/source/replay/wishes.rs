//! What the engine asked of the packet path, as its tables hold it.

use std::time::Duration;

use sensor_ebpf::policy::{Class, Endpoint, HAS_VERDICTS, HAS_WATCHED};

use super::tables::Memory;
use crate::source::Wish;
use crate::source::policy::{EPOCH, RENEWAL};
use crate::time::Time;

/// Verdicts kept, as many as the kernel's map holds.
const MAX_VERDICTS: usize = 4096;
/// Watched addresses kept, likewise.
const MAX_WATCHED: usize = 256;
/// Wishes that wait for their moment.
const MAX_WAITING: usize = 1 << 16;

/// Wishes that wait, and watches that end.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    waiting: Vec<Wish>,
    watches: Vec<([u64; 2], Time)>,
    /// When the last epoch began.
    bumped: Option<Time>,
    /// Something changed since.
    dirty: bool,
    /// Wishes for which there was no room.
    pub(super) refused: u64,
}

impl Wishes {
    pub(super) fn add(&mut self, wishes: &[Wish]) {
        for wish in wishes {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push(*wish);
            } else {
                self.refused = self.refused.saturating_add(1);
            }
        }
    }

    /// Writes what waits into `memory`, and ends watches that are over; entries ask again where something changed.
    pub(super) fn grant(&mut self, now: Time, memory: &mut Memory) {
        for wish in std::mem::take(&mut self.waiting) {
            let granted = match wish {
                Wish::Verdict(endpoint, class) => verdict(endpoint, class, memory),
                Wish::Watch(address, how_long) => self.watch(address, how_long, now),
            };
            match granted {
                Some(news) => self.dirty |= news,
                None => self.refused = self.refused.saturating_add(1),
            }
        }
        // Live the last epoch began some time before the first packet.
        let bumped = *self.bumped.get_or_insert(now.before(EPOCH));
        if now.since(bumped) < EPOCH {
            return;
        }
        let before = self.watches.len();
        self.watches.retain(|(_, until)| *until > now);
        self.dirty |= before != self.watches.len();
        // Budgets of process data are renewed by an epoch, whether or not anything else changed.
        if !self.dirty && now.since(bumped) < RENEWAL {
            return;
        }
        self.dirty = false;
        self.bumped = Some(now);
        memory.watched.clear();
        memory.watched.extend(self.watches.iter().map(|(address, _)| *address));
        let verdicts = if memory.verdicts.is_empty() { 0 } else { HAS_VERDICTS };
        let watched = if memory.watched.is_empty() { 0 } else { HAS_WATCHED };
        memory.control.asked.set(verdicts | watched);
        memory.control.epoch.set(memory.control.epoch.get().wrapping_add(1));
    }

    /// Whether that is news; `None` without room.
    fn watch(&mut self, address: [u64; 2], how_long: Duration, now: Time) -> Option<bool> {
        let until = now.plus(how_long);
        if let Some((_, end)) = self.watches.iter_mut().find(|(watched, _)| *watched == address) {
            *end = until.max(*end);
            return Some(false);
        }
        (self.watches.len() < MAX_WATCHED).then(|| self.watches.push((address, until)))?;
        Some(true)
    }
}

fn verdict(endpoint: Endpoint, class: Class, memory: &mut Memory) -> Option<bool> {
    let room = memory.verdicts.len() < MAX_VERDICTS || memory.verdicts.contains_key(&endpoint);
    room.then(|| memory.verdicts.insert(endpoint, class) != Some(class))
}
