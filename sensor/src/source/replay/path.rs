//! The packet path in capture time: frames in, records, sweeps and ticks out.

use sensor_ebpf::counters::Counter;
use sensor_ebpf::flow::Entry;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::observe::observe;
use sensor_ebpf::record::{FlowRecord, Header, KIND_FLOW, Reason, Ring};

use super::ReplayOptions;
use super::tables::Memory;
use super::wishes::Wishes;
use crate::source::Record;
use crate::source::capture::Packet;
use crate::source::residency::{Clock, Residency};
use crate::source::storms::Storms;
use crate::time::Time;

/// Parts a sweep of the whole cache is spread over, a second each.
const SWEEP_PARTS: usize = 10;
/// Seconds ticked one by one while nothing is captured; then time jumps. Longer than anything that waits for silence.
const LONGEST_SILENCE: u64 = 1000;
/// Ticks are 32 bits, compared with sign. Across more than this nothing stays in the cache.
const LONGEST_MEMORY: u64 = 1 << 30;
/// The engine is asked for wishes on this grid of record time, in nanoseconds. Live a record waits 5 ms until no older one
/// can come, and up to 5 ms until the rings are read.
const GRID: u64 = Time::SECOND / 100;
/// Interface slots of a flow key.
const LAST_SLOT: u32 = 15;

/// The packet path, and what it has told.
pub(super) struct Path {
    pub(super) memory: Memory,
    pub(super) wishes: Wishes,
    /// Packets whose time stepped back; they count as captured at the latest time seen.
    pub(super) backward: u64,
    residency: Residency,
    options: ReplayOptions,
    clock: Clock,
    /// Never steps back.
    now: u64,
    /// Where the grid's next line is.
    line: u64,
    /// The last second ticked; `None` before the first packet.
    ticked: Option<u64>,
    /// The last second ticked before the last packet.
    heard: u64,
    /// Whether the engine heard anything since it was last asked for wishes.
    told: bool,
    part: usize,
    storms: Storms,
    /// Packets counted in storm rows when they were last read.
    stormed: u64,
    turn: usize,
}

impl Path {
    pub(super) fn new(options: ReplayOptions) -> Self {
        Self {
            memory: Memory::new(&options),
            wishes: Wishes::default(),
            backward: 0,
            residency: Residency::new(options.cpus, (options.sets as usize).saturating_mul(2)),
            storms: Storms::default(),
            clock: Clock { offset_ns: 0, tick_ns: options.tick_ns },
            options,
            now: 0,
            line: 0,
            ticked: None,
            heard: 0,
            told: false,
            part: 0,
            stormed: 0,
            turn: 0,
        }
    }

    /// Does what is due before a packet captured at `at`. `true`: the engine must be asked for wishes first, then this
    /// again.
    #[inline]
    pub(super) fn prepare(&mut self, at: Time, sink: &mut dyn FnMut(Record<'_>)) -> bool {
        at.0 >= self.line && self.cross(at.0, sink)
    }

    /// Time crosses the grid.
    fn cross(&mut self, at: u64, sink: &mut dyn FnMut(Record<'_>)) -> bool {
        if std::mem::take(&mut self.told) {
            return true;
        }
        let second = at / Time::SECOND;
        let ticked = *self.ticked.get_or_insert(second);
        if second > ticked {
            let next = ticked.saturating_add(1);
            let jumps = next.saturating_sub(self.heard) > LONGEST_SILENCE;
            self.tick(if jumps { second } else { next }, sink);
            return true;
        }
        self.heard = ticked;
        self.move_to(at);
        false
    }

    fn move_to(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.line = (self.now / GRID).saturating_add(1).saturating_mul(GRID);
        self.wishes.grant(Time(self.now), &mut self.memory);
    }

    /// Sweeps, reads the storm rows, ticks.
    fn tick(&mut self, second: u64, sink: &mut dyn FnMut(Record<'_>)) {
        let to = second.saturating_mul(Time::SECOND);
        if to
            .saturating_sub(self.now)
            .checked_div(self.options.tick_ns)
            .is_none_or(|ticks| ticks > LONGEST_MEMORY)
        {
            // All of it was swept in the seconds of silence before.
            self.memory.forget();
            self.residency.forget();
        }
        self.move_to(to);
        self.sweep(sink);
        self.tell_storms(sink);
        sink(Record::Tick(Time(self.now)));
        self.ticked = Some(second);
    }

    /// Shows a packet to the packet path; [`Path::prepare`] has returned `false` for its time.
    #[inline]
    pub(super) fn packet(&mut self, packet: &Packet<'_>, sink: &mut dyn FnMut(Record<'_>)) {
        if packet.at.0 < self.now {
            self.backward = self.backward.saturating_add(1);
        } else {
            self.now = packet.at.0;
        }
        if self.options.cpus > 1 {
            self.turn = self.turn.wrapping_add(1).checked_rem(self.options.cpus).unwrap_or(0);
        }
        self.memory.set(self.turn, packet.interface.min(LAST_SLOT), self.now, self.ticks());
        let frame = Slice { bytes: &packet.frame, wire_len: packet.wire_len };
        observe(&frame, &&self.memory);
        let (residency, clock) = (&mut self.residency, &self.clock);
        self.told |= self.memory.drain(|record| residency.read(record, clock, sink));
    }

    /// The end of the input: everything is swept once, nothing is closed.
    pub(super) fn end(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        for _ in 0..SWEEP_PARTS {
            self.sweep(sink);
        }
        self.tell_storms(sink);
        if self.ticked.is_some() {
            sink(Record::Tick(Time(self.now)));
        }
    }

    #[inline]
    fn ticks(&self) -> u32 {
        self.now.checked_div(self.options.tick_ns).unwrap_or(0) as u32
    }

    /// Reports what changed in the next part of the cache.
    fn sweep(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        let header = Header {
            ktime: self.now,
            ticks: self.ticks(),
            kind: KIND_FLOW,
            ring: Ring::Lifecycle as u8,
            reason: Reason::Swept as u8,
            ..Header::default()
        };
        for cpu in 0..self.options.cpus {
            for (index, set) in self.memory.touched(cpu, self.part, SWEEP_PARTS) {
                for (way, entry) in set.ways.iter().enumerate() {
                    let place = index.saturating_mul(2).saturating_add(way);
                    if entry.is_empty()
                        || !self.residency.is_news(cpu, place, entry.generation(), entry.packets())
                    {
                        continue;
                    }
                    let (Ok(cpu), Ok(place)) = (u16::try_from(cpu), u32::try_from(place)) else { continue };
                    let Some(record) = swept(entry, Header { cpu, entry: place, ..header }) else { continue };
                    sink(Record::Flow(self.residency.flow(&record, Reason::Swept, &self.clock)));
                }
            }
        }
        self.part = self.part.saturating_add(1).checked_rem(SWEEP_PARTS).unwrap_or(0);
    }

    fn tell_storms(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        let stormed = self.counters().get(Counter::Storm as usize).copied().unwrap_or(0);
        if std::mem::replace(&mut self.stormed, stormed) == stormed {
            return;
        }
        for storm in self.storms.read(Time(self.now), self.memory.storm()) {
            sink(Record::Storm(storm));
        }
    }

    /// Sums over all CPUs.
    pub(super) fn counters(&self) -> [u64; Counter::COUNT] {
        let mut sums = [0_u64; Counter::COUNT];
        for cpu in self.memory.cpus() {
            for (sum, cell) in sums.iter_mut().zip(&cpu.counters) {
                *sum = sum.wrapping_add(cell.get());
            }
        }
        sums
    }
}

/// The record of a sweep that read `entry`; the rest of `header` is the sweep's.
fn swept(entry: &Entry, header: Header) -> Option<FlowRecord> {
    let at = entry.snapshot()?;
    Some(FlowRecord {
        header: Header { generation: at.generation, ..header },
        key: at.key,
        bytes: at.bytes,
        packets: at.packets,
        last: at.last,
        flags: at.flags,
        class: at.class,
        ..FlowRecord::default()
    })
}
