//! Capture files through the same packet path the kernel runs.
//!
//! The clock is the capture's. A tenth of the flow cache is swept before each tick, as live.

pub mod tables;

use std::path::PathBuf;
use std::time::Duration;

use sensor_ebpf::counters::Counter;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::observe::observe;
use sensor_ebpf::policy::{Class, Endpoint, HAS_VERDICTS, HAS_WATCHED};
use sensor_ebpf::record::{FlowRecord, Header, KIND_FLOW, Reason};

use super::capture::{Merged, Packet};
use super::policy::Limits;
use super::residency::{Clock, Residency};
use super::storms::{Row, Storms};
use super::{Record, Source, Wish};
use crate::time::Time;
use tables::Memory;

/// Length of a tick: what most kernels use (CONFIG_HZ=250).
const TICK_NS: u64 = 4_000_000;
/// Parts a sweep of the whole cache is spread over, a second each.
const SWEEP_PARTS: usize = 10;
/// Seconds ticked one by one when nothing is captured; then time jumps.
const LONGEST_SILENCE: u64 = 900;
/// Packets a call delivers.
const BATCH: usize = 4096;
/// Wishes take effect on this grid of record time.
const WISH_NS: u64 = 100_000_000;
/// Verdicts kept, as many as the kernel's map holds.
const MAX_VERDICTS: usize = 4096;
/// Watched addresses kept.
const MAX_WATCHED: usize = 256;

/// How frames meet the flow cache.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Slices of the cache; frames go round them by their bytes' hash where there are several.
    pub cpus: usize,
    /// Sets of each slice, a power of two.
    pub sets: u32,
    /// Rate limits.
    pub limits: Limits,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self { cpus: 1, sets: 1 << 16, limits: Limits::default() }
    }
}

/// Capture files as a source of records.
pub struct Replay {
    files: Merged,
    path: Path,
    failure: Option<anyhow::Error>,
}

/// The packet path and what it has told.
struct Path {
    memory: Memory,
    residency: Residency,
    clock: Clock,
    cpus: usize,
    /// Sets of one slice.
    sets: usize,
    /// Time never goes back.
    now: u64,
    /// The last second ticked.
    ticked: Option<u64>,
    part: usize,
    wishes: Vec<(u64, Wish)>,
    watches: Vec<([u64; 2], u64)>,
    storms: Storms,
    packets: u64,
    turn: usize,
    /// Packets whose time stepped back.
    backward: u64,
}

impl Replay {
    /// Opens the files; they are merged by time.
    ///
    /// # Errors
    /// What is wrong with the first file that cannot be read.
    pub fn open(files: &[PathBuf], options: ReplayOptions) -> anyhow::Result<Self> {
        let cpus = options.cpus.max(1);
        let sets = options.sets.max(1).next_power_of_two();
        let path = Path {
            memory: Memory::new(cpus, sets, TICK_NS, options.limits),
            residency: Residency::new(cpus, (sets as usize).saturating_mul(2)),
            clock: Clock { offset_ns: 0, tick_ns: TICK_NS },
            cpus,
            sets: sets as usize,
            now: 0,
            ticked: None,
            part: 0,
            wishes: Vec::new(),
            watches: Vec::new(),
            storms: Storms::default(),
            packets: 0,
            turn: 0,
            backward: 0,
        };
        Ok(Self { files: Merged::open(files)?, path, failure: None })
    }

    /// Bytes read, bytes in all.
    pub fn progress(&self) -> (u64, u64) {
        self.files.progress()
    }

    /// What the packet path counted.
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        let mut sums = [0_u64; Counter::COUNT];
        for cpu in self.path.memory.cpus() {
            for (sum, cell) in sums.iter_mut().zip(&cpu.counters) {
                *sum = sum.saturating_add(cell.get());
            }
        }
        sums
    }

    /// Packets whose time stepped back; they were taken to have come at the latest time seen.
    pub fn backward(&self) -> u64 {
        self.path.backward
    }
}

impl Source for Replay {
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool> {
        for _ in 0..BATCH {
            match self.files.next() {
                Some(Ok(packet)) => self.path.packet(&packet, sink),
                // Other interfaces of the file may go on; the first failure is told at the end.
                Some(Err(error)) => {
                    self.failure.get_or_insert_with(|| error.into());
                }
                None => {
                    self.path.end(sink);
                    return match self.failure.take() {
                        Some(failure) => Err(failure),
                        None => Ok(false),
                    };
                }
            }
        }
        Ok(true)
    }

    fn apply(&mut self, wishes: &[Wish]) {
        let due = (self.path.now / WISH_NS).saturating_add(1).saturating_mul(WISH_NS);
        self.path.wishes.extend(wishes.iter().map(|wish| (due, *wish)));
    }
}

impl Path {
    fn packet(&mut self, packet: &Packet<'_>, sink: &mut dyn FnMut(Record<'_>)) {
        self.packets = self.packets.saturating_add(1);
        if packet.at.0 < self.now {
            self.backward = self.backward.saturating_add(1);
        }
        self.advance(packet.at.0.max(self.now), sink);
        let cpu = if self.cpus > 1 {
            self.turn = self.turn.wrapping_add(1);
            self.turn.checked_rem(self.cpus).unwrap_or(0)
        } else {
            0
        };
        self.memory.set(cpu, packet.interface & 0xf, self.now, ticks(self.now));
        let frame = Slice { bytes: &packet.frame, wire_len: packet.wire_len };
        observe(&frame, &&self.memory);
        self.deliver(sink);
    }

    fn deliver(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        let out = self.memory.take_out();
        for record in out.records() {
            self.residency.read(record, &self.clock, sink);
        }
        self.memory.give_out(out);
    }

    /// Moves the clock to `to`, with everything that is due on the way.
    fn advance(&mut self, to: u64, sink: &mut dyn FnMut(Record<'_>)) {
        let second = to / Time::SECOND;
        let from = *self.ticked.get_or_insert(second);
        let mut next = from.saturating_add(1);
        while next <= second {
            if next.saturating_sub(from) > LONGEST_SILENCE {
                next = second;
            }
            self.now = self.now.max(next.saturating_mul(Time::SECOND));
            self.sweep_part(sink);
            self.tell_storms(sink);
            sink(Record::Tick(Time(self.now)));
            self.ticked = Some(next);
            next = next.saturating_add(1);
        }
        self.now = self.now.max(to);
        self.grant();
    }

    /// The end of the input: everything is swept once, nothing is closed.
    fn end(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        for _ in 0..SWEEP_PARTS {
            self.sweep_part(sink);
        }
        self.tell_storms(sink);
        if self.packets > 0 {
            sink(Record::Tick(Time(self.now)));
        }
    }

    fn sweep_part(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        let now_ticks = ticks(self.now);
        for cpu in 0..self.cpus {
            let len = self.sets.div_ceil(SWEEP_PARTS);
            let start = self.part.saturating_mul(len);
            let end = start.saturating_add(len).min(self.sets);
            for (n, set) in self.memory.take_touched(cpu, start..end) {
                for (way, entry) in set.ways.iter().enumerate() {
                    let place = n.saturating_mul(2).saturating_add(way);
                    if entry.is_empty()
                        || !self.residency.is_news(cpu, place, entry.generation(), entry.packets())
                    {
                        continue;
                    }
                    let Some(at) = entry.snapshot() else { continue };
                    let record = FlowRecord {
                        header: Header {
                            ktime: self.now,
                            ticks: now_ticks,
                            entry: u32::try_from(place).unwrap_or(0),
                            generation: at.generation,
                            cpu: u16::try_from(cpu).unwrap_or(0),
                            kind: KIND_FLOW,
                            reason: Reason::Swept as u8,
                            ..Header::default()
                        },
                        key: at.key,
                        bytes: at.bytes,
                        packets: at.packets,
                        last: at.last,
                        flags: at.flags,
                        class: at.class,
                        ..FlowRecord::default()
                    };
                    sink(Record::Flow(self.residency.flow(&record, Reason::Swept, &self.clock)));
                }
            }
        }
        self.part = self.part.saturating_add(1).checked_rem(SWEEP_PARTS).unwrap_or(0);
    }

    fn tell_storms(&mut self, sink: &mut dyn FnMut(Record<'_>)) {
        let rows = (0_u32..).zip(self.memory.storm()).map(|(index, row)| Row::of(row, index));
        for storm in self.storms.read(Time(self.now), rows) {
            sink(Record::Storm(storm));
        }
    }

    /// Wishes that are due, and watches that are over.
    fn grant(&mut self) {
        let now = self.now;
        let watches = self.watches.len();
        self.watches.retain(|(_, until)| *until > now);
        let mut changed = watches != self.watches.len();
        if !self.wishes.iter().any(|(due, _)| *due <= now) && !changed {
            return;
        }
        let (due, later): (Vec<_>, Vec<_>) = self.wishes.drain(..).partition(|(due, _)| *due <= now);
        self.wishes = later;
        for (_, wish) in due {
            changed |= match wish {
                Wish::Verdict(endpoint, class) => self.verdict(endpoint, class),
                Wish::Watch(address, how_long) => self.watch(address, how_long),
            };
        }
        if !changed {
            return;
        }
        self.memory.watched = self.watches.iter().map(|(address, _)| *address).collect();
        let verdicts = if self.memory.verdicts.is_empty() { 0 } else { HAS_VERDICTS };
        let watched = if self.memory.watched.is_empty() { 0 } else { HAS_WATCHED };
        self.memory.control.asked.set(verdicts | watched);
        self.memory.control.epoch.set(self.memory.control.epoch.get().wrapping_add(1));
    }

    fn verdict(&mut self, endpoint: Endpoint, class: Class) -> bool {
        let room = self.memory.verdicts.len() < MAX_VERDICTS || self.memory.verdicts.contains_key(&endpoint);
        room && self.memory.verdicts.insert(endpoint, class) != Some(class)
    }

    fn watch(&mut self, address: [u64; 2], how_long: Duration) -> bool {
        let until = Time(self.now).plus(how_long).0;
        if let Some((_, end)) = self.watches.iter_mut().find(|(watched, _)| *watched == address) {
            *end = until;
            return false;
        }
        let room = self.watches.len() < MAX_WATCHED;
        if room {
            self.watches.push((address, until));
        }
        room
    }
}

fn ticks(ns: u64) -> u32 {
    (ns / TICK_NS) as u32
}
