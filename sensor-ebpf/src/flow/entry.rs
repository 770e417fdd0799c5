//! One place in the flow cache.

use core::cell::Cell;

use super::{FlowKey, Judged, Words};
use crate::policy::Class;

/// One direction of one flow, as long as it stays.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Entry {
    words: [Cell<u64>; 5],
    bytes: Cell<u64>,
    /// Packets 32 bits, TCP flags 8, budget 16, watched 1, class 7. Packets stand highest, where they wrap into nothing.
    counts: Cell<u64>,
    /// Generation 16 bits (odd while being replaced), verdict epoch 16, ticks at the last packet 32.
    stamp: Cell<u64>,
}

/// One in [`Entry::counts`].
const PACKET: u64 = 1 << 32;
const FLAGS_SHIFT: u32 = 24;
const BUDGET_SHIFT: u32 = 8;
const BUDGET: u64 = 0xffff << BUDGET_SHIFT;
/// Set for flows of a watched host.
const WATCHED: u64 = 0x80;
const CLASS: u64 = 0x07;
const LAST: u64 = 0xffff_ffff;

/// What a stamp is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Coarse time.
    pub ticks: u32,
    /// Of verdicts; the lower 16 bits count.
    pub epoch: u32,
}

/// The two entries a key may stand in.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Set {
    /// Both ways.
    pub ways: [Entry; 2],
}

const _: () = assert!(size_of::<Entry>() == 64 && size_of::<Set>() == 128);

/// A consistent copy of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Who to whom.
    pub key: FlowKey,
    /// Bytes at the IP layer in this residency.
    pub bytes: u64,
    /// Packets in this residency.
    pub packets: u32,
    /// Ticks at the last packet.
    pub last: u32,
    /// Tenant of the place.
    pub generation: u16,
    /// TCP flags seen.
    pub flags: u8,
    /// [`Class`].
    pub class: u8,
}

impl Entry {
    /// Whether this entry holds `key`.
    #[inline(always)]
    pub fn holds(&self, key: &Words) -> bool {
        key.is(&self.key())
    }

    /// Whether nothing was ever here.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        let [.., last] = &self.words;
        last.get() == 0
    }

    /// Ticks at the last packet.
    #[inline(always)]
    pub fn last(&self) -> u32 {
        self.stamp.get() as u32
    }

    /// TCP flags seen in this residency.
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        (self.counts.get() >> FLAGS_SHIFT) as u8
    }

    /// What the flow is taken for.
    #[inline(always)]
    pub fn class(&self) -> Class {
        Class::from_u8((self.counts.get() & CLASS) as u8)
    }

    /// Whether one of its ends is watched.
    #[inline(always)]
    pub fn is_watched(&self) -> bool {
        self.counts.get() & WATCHED != 0
    }

    /// Payload it may still ship.
    #[inline(always)]
    pub fn budget(&self) -> u16 {
        (self.counts.get() >> BUDGET_SHIFT) as u16
    }

    /// Sets what it may still ship.
    #[inline(always)]
    pub fn set_budget(&self, budget: u16) {
        self.counts.set(self.counts.get() & !BUDGET | u64::from(budget) << BUDGET_SHIFT);
    }

    /// Which tenant of this place it is.
    #[inline(always)]
    pub fn generation(&self) -> u16 {
        (self.stamp.get() >> 48) as u16
    }

    /// The epoch it last asked for a verdict in.
    #[inline(always)]
    pub fn epoch(&self) -> u16 {
        (self.stamp.get() >> 32) as u16
    }

    /// Adds one packet of a flow of which nothing else is new: same epoch, not idle for more than `idle` ticks, no
    /// payload to be shipped. `false`, and nothing done, where that is not so.
    ///
    /// Epoch and age are one number: 48 bits of the stamp, subtracted from what they would be now, are small only if
    /// the epoch is the same and the age is.
    #[inline(always)]
    pub fn add_usual(&self, len: u32, flags: u8, payload_len: u32, now: Moment, idle: u32) -> bool {
        let (stamp, counts) = (self.stamp.get(), self.counts.get());
        let since = (u64::from(now.epoch) << 32 | u64::from(now.ticks)).wrapping_sub(stamp) << 16;
        if since > u64::from(idle) << 16 {
            return false;
        }
        if counts & (BUDGET | WATCHED) != 0 && (payload_len != 0 || counts & WATCHED != 0) {
            return false;
        }
        self.stamp.set(stamp.wrapping_add(since >> 16));
        self.counts.set(counts.wrapping_add(PACKET) | u64::from(flags) << FLAGS_SHIFT);
        self.bytes.set(self.bytes.get().wrapping_add(u64::from(len)));
        true
    }

    /// Adds one packet.
    #[inline(always)]
    pub fn add(&self, len: u32, flags: u8, ticks: u32) {
        self.counts.set(self.counts.get().wrapping_add(PACKET) | u64::from(flags) << FLAGS_SHIFT);
        self.bytes.set(self.bytes.get().wrapping_add(u64::from(len)));
        self.stamp.set(self.stamp.get() & !LAST | u64::from(ticks));
    }

    /// Moves `key` in; whoever was here is forgotten. The caller has reported them. `fence` keeps stores in order for
    /// a reader in user space.
    #[inline(always)]
    pub fn replace(&self, key: &Words, judged: Judged, epoch: u16, budget: u16, fence: impl Fn()) {
        let generation = u64::from(self.generation());
        // BPF has neither a fence nor ordered stores on the kernels we must load on, so this orders for the compiler and
        // for strongly ordered CPUs; readers elsewhere are saved by reading twice (see `source::live::mapped`).
        self.stamp.set((generation | 1) << 48);
        fence();
        for (cell, word) in self.words.iter().zip(key.0) {
            cell.set(word);
        }
        self.bytes.set(0);
        self.counts.set(judged.bits() | u64::from(budget) << BUDGET_SHIFT);
        let next = (generation | 1).wrapping_add(1) & 0xffff;
        fence();
        self.stamp.set(next << 48 | u64::from(epoch) << 32);
    }

    /// Takes a new verdict.
    #[inline(always)]
    pub fn judge(&self, judged: Judged) {
        self.counts.set(self.counts.get() & !(WATCHED | CLASS) | judged.bits());
    }

    /// Notes that verdicts of `epoch` were asked for.
    #[inline(always)]
    pub fn set_epoch(&self, epoch: u16) {
        let others = self.stamp.get() & !(0xffff << 32);
        self.stamp.set(others | u64::from(epoch) << 32);
    }

    /// Bytes at the IP layer in this residency.
    #[inline(always)]
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Packets in this residency.
    #[inline(always)]
    pub fn packets(&self) -> u32 {
        (self.counts.get() >> 32) as u32
    }

    /// The key it holds.
    #[inline(always)]
    pub fn key(&self) -> Words {
        let [a, b, c, d, e] = &self.words;
        Words([a.get(), b.get(), c.get(), d.get(), e.get()])
    }

    /// A copy of an entry nobody writes meanwhile (the host's sweep); `None` where nothing is.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let [a, b, c, d, e] = self.words.each_ref().map(Cell::get);
        Snapshot::from_words(&[a, b, c, d, e, self.bytes.get(), self.counts.get(), self.stamp.get()])
    }
}

impl Judged {
    #[inline(always)]
    const fn bits(self) -> u64 {
        self.class as u64 | if self.watched { WATCHED } else { 0 }
    }
}

impl Snapshot {
    /// Reads an entry from its 64 bytes, as user space sees them in the mapped cache. The caller compares the
    /// generation before and after. `None` while it is being replaced or empty.
    pub fn from_words(words: &[u64; 8]) -> Option<Self> {
        let [a, b, c, d, ports, bytes, counts, stamp] = *words;
        let (packets, generation) = ((counts >> 32) as u32, (stamp >> 48) as u16);
        let held = Words([a, b, c, d, ports]);
        if !held.is_taken() || packets == 0 || generation & 1 != 0 {
            return None;
        }
        let mut key = FlowKey::default();
        held.write(&mut key);
        Some(Self {
            key,
            bytes,
            packets,
            last: stamp as u32,
            generation,
            flags: (counts >> FLAGS_SHIFT) as u8,
            class: (counts & CLASS) as u8,
        })
    }
}
