//! What the kernel does not report by itself: flows that go on, and flows that went quiet. XDP has no timer.

use sensor_ebpf::flow::Snapshot;
use sensor_ebpf::record::{FlowRecord, Header, KIND_FLOW, Reason, Ring};
use zerocopy::IntoBytes as _;

use super::clock::monotonic;
use super::mapped::Mapped;
use super::merge::Merge;
use crate::source::residency::Residency;

/// The cache is read once in this many seconds, a part each second.
pub const PARTS: usize = 10;

/// Reads the flow cache part by part.
#[derive(Debug)]
pub struct Sweep {
    mapped: Mapped,
    /// Entries of one slice.
    entries: usize,
    part: usize,
}

impl Sweep {
    /// Of slices of `entries` entries each.
    pub const fn new(mapped: Mapped, entries: usize) -> Self {
        Self { mapped, entries, part: 0 }
    }

    /// Reads the next tenth and puts what has changed in line with the records. `ticks` is the coarse clock now.
    pub fn step(&mut self, ticks: u32, residency: &Residency, merge: &mut Merge) {
        let all = self.mapped.entries();
        let size = all.div_ceil(PARTS);
        let start = self.part.saturating_mul(size);
        for index in start..start.saturating_add(size).min(all) {
            if merge.is_full() {
                break;
            }
            let Some(snapshot) = self.mapped.snapshot(index) else { continue };
            let (slice, entry) = (index / self.entries, index % self.entries);
            if residency.is_news(slice, entry, snapshot.generation, snapshot.packets) {
                // The time is read after the entry: records written before it was read stand before it in line.
                merge.push(record(&snapshot, slice, entry, monotonic(), ticks).as_bytes());
            }
        }
        self.part = (self.part + 1) % PARTS;
    }
}

fn record(snapshot: &Snapshot, slice: usize, entry: usize, ktime: u64, ticks: u32) -> FlowRecord {
    FlowRecord {
        header: Header {
            ktime,
            ticks,
            entry: u32::try_from(entry).unwrap_or(u32::MAX),
            generation: snapshot.generation,
            cpu: u16::try_from(slice).unwrap_or(u16::MAX),
            kind: KIND_FLOW,
            ring: Ring::Lifecycle as u8,
            reason: Reason::Swept as u8,
            ..Header::default()
        },
        key: snapshot.key,
        bytes: snapshot.bytes,
        packets: snapshot.packets,
        last: snapshot.last,
        flags: snapshot.flags,
        class: snapshot.class,
        ..FlowRecord::default()
    }
}
