//! Totals become differences; jumps in sequence numbers become losses.
//!
//! The packet path reports what an entry counted since it was made. Merging by (cpu, entry, generation) is idempotent
//! and heals lost records: the next report tells what the lost one did.

use sensor_ebpf::flow::Snapshot;
use sensor_ebpf::record::{FlowRecord, FrameRecord, Header, KIND_FLOW, KIND_FRAME, Reason, Ring};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{FlowEvent, FrameEvent, Loss, Record};
use crate::time::Time;

/// What was last reported of one place in the flow cache.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Reported {
    bytes: u64,
    packets: u32,
    generation: u16,
    zero: u16,
}

/// Places of the flow cache that are written to a ledger together: a page of them.
const CHUNK: usize = 256;

/// From the packet path's clocks to wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Added to monotonic nanoseconds.
    pub offset_ns: i128,
    /// Nanoseconds of a tick.
    pub tick_ns: u64,
}

impl Clock {
    /// Wall time of a monotonic reading.
    pub fn time(&self, ktime: u64) -> Time {
        Time(u64::try_from(i128::from(ktime).saturating_add(self.offset_ns)).unwrap_or(0))
    }

    /// Wall time of tick `then`, given that tick `now` was at `ktime`.
    pub fn earlier(&self, ktime: u64, now: u32, then: u32) -> Time {
        let ago = u64::from(now.wrapping_sub(then)).saturating_mul(self.tick_ns);
        self.time(ktime.saturating_sub(if now.wrapping_sub(then) as i32 >= 0 { ago } else { 0 }))
    }
}

/// A reader of raw records.
pub struct Residency {
    reported: Vec<Reported>,
    entries_per_cpu: usize,
    next_seq: Vec<[u32; Ring::COUNT]>,
    /// Sequence numbers whose beginning is not known: the next one is as good as any.
    joining: Vec<[bool; Ring::COUNT]>,
    /// Chunks of `reported` that changed since they were written down.
    changed: Vec<bool>,
    /// Records that could not be read: never, unless the program and this one disagree.
    pub unreadable: u64,
}

impl Residency {
    /// For `cpus` slices of `entries_per_cpu` entries.
    pub fn new(cpus: usize, entries_per_cpu: usize) -> Self {
        Self {
            reported: vec![Reported::default(); cpus.saturating_mul(entries_per_cpu)],
            entries_per_cpu,
            next_seq: vec![[0; Ring::COUNT]; cpus],
            joining: vec![[false; Ring::COUNT]; cpus],
            changed: vec![false; cpus.saturating_mul(entries_per_cpu).div_ceil(CHUNK)],
            unreadable: 0,
        }
    }

    /// Takes the flow cache for emptied; rings go on.
    pub fn forget(&mut self) {
        self.reported.fill(Reported::default());
    }

    /// Bytes of all that [`Residency::write`] writes.
    pub fn ledger_len(&self) -> usize {
        self.next_seq.as_bytes().len().saturating_add(self.reported.as_bytes().len())
    }

    /// Writes down what changed since the last call: an offset, and bytes that stand there.
    ///
    /// # Errors
    /// Those of `put`; what was not written is written the next time.
    pub fn write<E>(&mut self, mut put: impl FnMut(usize, &[u8]) -> Result<(), E>) -> Result<(), E> {
        put(0, self.next_seq.as_bytes())?;
        let start = self.next_seq.as_bytes().len();
        for ((at, changed), places) in (0_usize..).zip(&mut self.changed).zip(self.reported.chunks(CHUNK)) {
            if *changed {
                let before = at.saturating_mul(CHUNK).saturating_mul(size_of::<Reported>());
                put(start.saturating_add(before), places.as_bytes())?;
                *changed = false;
            }
        }
        Ok(())
    }

    /// Goes on from what was written down; `false`, and nothing, where it is not of this size.
    pub fn restore(&mut self, ledger: &[u8]) -> bool {
        let seqs = self.next_seq.as_bytes().len();
        if ledger.len() != self.ledger_len() {
            return false;
        }
        let (Some(head), Some(tail)) = (ledger.get(..seqs), ledger.get(seqs..)) else { return false };
        self.next_seq.as_mut_bytes().copy_from_slice(head);
        self.reported.as_mut_bytes().copy_from_slice(tail);
        true
    }

    /// Joins a path that has run without being heard: what stands in its places counts as told.
    pub fn join(&mut self, places: impl IntoIterator<Item = (usize, Snapshot)>) {
        self.joining.fill([true; Ring::COUNT]);
        for (place, at) in places {
            if let Some(reported) = self.reported.get_mut(place) {
                *reported =
                    Reported { bytes: at.bytes, packets: at.packets, generation: at.generation, zero: 0 };
            }
        }
        self.changed.fill(true);
    }

    /// Reads one raw record and passes on what it says.
    pub fn read(&mut self, raw: &[u8], clock: &Clock, sink: &mut dyn FnMut(Record<'_>)) {
        let Ok((header, _)) = Header::read_from_prefix(raw) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        let swept = header.reason == Reason::Swept as u8;
        // What a sweep read never passed a ring.
        if !swept && let Some(loss) = self.sequence(&header, clock) {
            sink(Record::Loss(loss));
        }
        match header.kind {
            KIND_FLOW => {
                if let (Ok((record, _)), Some(reason)) =
                    (FlowRecord::read_from_prefix(raw), Reason::from_u8(header.reason))
                {
                    let (cpu, entry) = (usize::from(header.cpu), header.entry as usize);
                    if !swept || self.is_news(cpu, entry, header.generation, record.packets) {
                        sink(Record::Flow(self.flow(&record, reason, clock)));
                    }
                    return;
                }
            }
            KIND_FRAME => {
                if let Ok((record, frame)) = FrameRecord::read_from_prefix(raw) {
                    let frame = frame.get(..usize::from(record.cap_len)).unwrap_or(frame);
                    let ring =
                        Ring::ALL.into_iter().find(|ring| *ring as u8 == header.ring).unwrap_or(Ring::Access);
                    return sink(Record::Frame(FrameEvent {
                        at: clock.time(header.ktime),
                        key: record.key,
                        ring,
                        frame,
                        payload_at: usize::from(record.payload_at),
                        payload_len: record.payload_len as usize,
                        wire_len: record.wire_len,
                        flags: record.flags,
                        notes: record.notes,
                    }));
                }
            }
            _ => {}
        }
        self.unreadable = self.unreadable.saturating_add(1);
    }

    /// The event of a flow record: what is new since the last report of its place.
    pub fn flow(&mut self, record: &FlowRecord, reason: Reason, clock: &Clock) -> FlowEvent {
        let header = &record.header;
        let place = usize::from(header.cpu)
            .saturating_mul(self.entries_per_cpu)
            .saturating_add(header.entry as usize);
        let (mut packets, mut bytes) = (record.packets, record.bytes);
        if let Some(reported) = self.reported.get_mut(place) {
            if reported.generation == header.generation {
                // Late reports of the same tenant add nothing; counters wrap after four thousand million packets.
                let ahead = record.packets.wrapping_sub(reported.packets);
                packets = if ahead as i32 >= 0 { ahead } else { 0 };
                bytes = record.bytes.saturating_sub(reported.bytes);
            }
            *reported = Reported {
                bytes: record.bytes,
                packets: record.packets,
                generation: header.generation,
                zero: 0,
            };
            if let Some(changed) = self.changed.get_mut(place / CHUNK) {
                *changed = true;
            }
        }
        let opened = matches!(reason, Reason::Opened | Reason::Changed);
        let [a, b, c, d, e, f, u, v, w, x, y, z] = record.macs;
        FlowEvent {
            at: clock.time(header.ktime),
            key: record.key,
            reason,
            packets: u64::from(packets),
            bytes,
            last: clock.earlier(header.ktime, header.ticks, record.last),
            flags: record.flags,
            packet_flags: record.packet_flags,
            notes: record.notes,
            tcp_seq: u32::from_be(header.tcp_seq),
            macs: opened.then_some(([a, b, c, d, e, f], [u, v, w, x, y, z])),
        }
    }

    /// Whether a sweep of this place has anything to tell. What it read may be older than the records since: the kernel
    /// writes meanwhile.
    pub fn is_news(&self, cpu: usize, entry: usize, generation: u16, packets: u32) -> bool {
        let place = cpu.saturating_mul(self.entries_per_cpu).saturating_add(entry);
        self.reported.get(place).is_some_and(|reported| {
            let newer = generation.wrapping_sub(reported.generation).cast_signed();
            newer > 0 || (newer == 0 && packets.wrapping_sub(reported.packets).cast_signed() > 0)
        })
    }

    fn sequence(&mut self, header: &Header, clock: &Clock) -> Option<Loss> {
        let ring = Ring::ALL.into_iter().find(|ring| *ring as u8 == header.ring)?;
        let cpu = usize::from(header.cpu);
        let next = self.next_seq.get_mut(cpu)?.get_mut(ring as usize)?;
        if std::mem::take(self.joining.get_mut(cpu)?.get_mut(ring as usize)?) {
            *next = header.seq;
        }
        let missing = header.seq.wrapping_sub(*next);
        // A ring keeps the order of each CPU: what looks older cannot be, and says nothing about a loss.
        if missing.cast_signed() < 0 {
            return None;
        }
        *next = header.seq.wrapping_add(1);
        (missing != 0).then(|| Loss { at: clock.time(header.ktime), ring, records: u64::from(missing) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u32, reason: Reason, generation: u16, packets: u32) -> FlowRecord {
        let header = Header {
            seq,
            entry: 3,
            generation,
            cpu: 1,
            kind: KIND_FLOW,
            reason: reason as u8,
            ..Header::default()
        };
        FlowRecord { header, packets, bytes: u64::from(packets).saturating_mul(100), ..FlowRecord::default() }
    }

    /// What the engine is told: packets and bytes of flow events, or records lost.
    fn told(residency: &mut Residency, record: &FlowRecord) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        residency.read(record.as_bytes(), &Clock::default(), &mut |record| match record {
            Record::Flow(event) => out.push((event.packets, event.bytes)),
            Record::Loss(loss) => out.push((0, loss.records)),
            _ => {}
        });
        out
    }

    #[test]
    fn a_later_report_counts_only_what_is_new() {
        let mut table = Residency::new(2, 4);
        assert_eq!(told(&mut table, &record(0, Reason::Opened, 2, 1)), [(1, 100)]);
        assert_eq!(told(&mut table, &record(1, Reason::Changed, 2, 5)), [(4, 400)]);
        assert_eq!(told(&mut table, &record(2, Reason::Replaced, 2, 5)), [(0, 0)]);
    }

    #[test]
    fn lost_records_are_counted_and_the_next_report_heals_them() {
        let mut table = Residency::new(2, 4);
        told(&mut table, &record(0, Reason::Opened, 2, 1));
        assert_eq!(told(&mut table, &record(3, Reason::Replaced, 4, 7)), [(0, 2), (7, 700)]);
    }

    #[test]
    fn the_very_first_record_reveals_a_loss_before_it() {
        assert_eq!(told(&mut Residency::new(2, 4), &record(1, Reason::Opened, 2, 1)), [(0, 1), (1, 100)]);
    }

    #[test]
    fn a_sweep_older_than_the_records_says_nothing() {
        let mut table = Residency::new(2, 4);
        told(&mut table, &record(0, Reason::Opened, 2, 9));
        assert_eq!(told(&mut table, &record(0, Reason::Swept, 2, 8)), []);
        told(&mut table, &record(1, Reason::Opened, 4, 1));
        assert_eq!(told(&mut table, &record(0, Reason::Swept, 2, 20)), []);
        assert_eq!(told(&mut table, &record(0, Reason::Swept, 4, 3)), [(2, 200)]);
    }

    #[test]
    fn who_goes_on_from_a_ledger_counts_each_packet_once() {
        let mut table = Residency::new(2, 4);
        let mut ledger = vec![0; table.ledger_len()];
        let mut keep = |table: &mut Residency| {
            let mut written = 0_usize;
            let done: Result<(), ()> = table.write(|at, bytes| {
                ledger[at..at + bytes.len()].copy_from_slice(bytes);
                written += 1;
                Ok(())
            });
            done.unwrap();
            written
        };
        told(&mut table, &record(0, Reason::Opened, 2, 1));
        told(&mut table, &record(1, Reason::Changed, 2, 5));
        assert_eq!(keep(&mut table), 2);
        assert_eq!(keep(&mut table), 1, "only what changed");
        let mut next = Residency::new(2, 4);
        assert!(next.restore(&ledger));
        assert_eq!(told(&mut next, &record(3, Reason::Changed, 2, 9)), [(0, 1), (4, 400)]);
        assert!(!Residency::new(2, 8).restore(&ledger));
    }

    #[test]
    fn who_joins_without_a_ledger_counts_only_what_comes_then() {
        let mut table = Residency::new(2, 4);
        let raw = record(70, Reason::Changed, 2, 9);
        let words =
            Snapshot { key: raw.key, bytes: 500, packets: 5, last: 0, generation: 2, flags: 0, class: 0 };
        table.join([(7, words)]);
        assert_eq!(told(&mut table, &raw), [(4, 400)]);
        assert_eq!(told(&mut table, &record(72, Reason::Changed, 2, 9)), [(0, 1), (0, 0)]);
    }

    #[test]
    fn a_place_outside_the_cache_has_no_news() {
        assert!(!Residency::new(2, 4).is_news(1, 4, 2, 1));
    }
}
