//! The host's side of [`Tables`]: what BPF maps are in the kernel, in ordinary memory.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use sensor_ebpf::flow::Set;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::policy::{Class, ClassPolicy, Control, Endpoint, PortKey};
use sensor_ebpf::record::{FlowRecord, FrameRecord, Ring};
use sensor_ebpf::storm::{ROWS, StormRow};
use sensor_ebpf::tables::{Cpu, Tables, Uncopied};
use zerocopy::{FromZeros as _, IntoBytes as _};

use crate::source::policy::{Limits, class_policy, port_classes};

/// Multipliers of the flow hash in replay: odd, fixed, so that the same capture gives the same records.
pub const SECRETS: [u64; 5] = [
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
];

/// Raw records, one behind another, as the kernel would have sent them.
#[derive(Default)]
pub struct Out {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Out {
    fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).filter_map(|(start, end)| self.bytes.get(start..end))
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Tables of one host.
pub struct Memory {
    sets: Vec<Set>,
    sets_per_cpu: u32,
    /// Sets written since they were last swept, a bit each: a plant's days are mostly empty seconds.
    touched: Vec<Cell<u64>>,
    cpus: Vec<Cpu>,
    storm: Vec<StormRow>,
    ports: Vec<Class>,
    classes: [ClassPolicy; Class::SLOTS],
    /// What user space sets.
    pub control: Control,
    /// Verdicts of the engine.
    pub verdicts: HashMap<Endpoint, Class>,
    /// Addresses the engine watches.
    pub watched: HashSet<[u64; 2]>,
    cpu: Cell<usize>,
    slot: Cell<u32>,
    out: RefCell<Out>,
}

impl Memory {
    /// Empty tables for `cpus` CPUs with `sets_per_cpu` sets each, a power of two. `tick_ns`: length of a tick.
    pub fn new(cpus: usize, sets_per_cpu: u32, tick_ns: u64, limits: Limits) -> Self {
        let mut ports = vec![Class::Unknown; PortKey::SPACE as usize];
        for (port, class) in port_classes() {
            if let Some(cell) = ports.get_mut(port.index() as usize) {
                *cell = class;
            }
        }
        let ticks = |seconds: u32| {
            u32::try_from(u64::from(seconds).saturating_mul(1_000_000_000).checked_div(tick_ns).unwrap_or(0))
                .unwrap_or(u32::MAX)
        };
        let per_tick = limits.rate.map(|rate| {
            let per_tick = u64::from(rate).saturating_mul(tick_ns) / 1_000_000_000;
            u32::try_from(per_tick.max(1)).unwrap_or(u32::MAX)
        });
        let [a, b] = per_tick;
        let [c, d] = limits.burst;
        let control = Control {
            idle: Cell::new(ticks(limits.idle_s)),
            rate: [Cell::new(a), Cell::new(b)],
            burst: [Cell::new(c), Cell::new(d)],
            ..Control::default()
        };
        let mut classes = [ClassPolicy { snap: 0, budget: 0 }; Class::SLOTS];
        for (n, policy) in (0_u8..).zip(classes.iter_mut()) {
            *policy = class_policy(Class::from_u8(n));
        }
        let cpu = |n: usize| Cpu {
            slice: Cell::new(u32::try_from(n.saturating_add(1)).unwrap_or(0)),
            ..Cpu::default()
        };
        Self {
            sets: (0..cpus.saturating_mul(sets_per_cpu as usize)).map(|_| Set::default()).collect(),
            sets_per_cpu,
            touched: vec![Cell::new(0); cpus.saturating_mul(sets_per_cpu as usize).div_ceil(64)],
            cpus: (0..cpus.max(1)).map(cpu).collect(),
            storm: (0..=ROWS).map(|_| StormRow::default()).collect(),
            ports,
            classes,
            control,
            verdicts: HashMap::new(),
            watched: HashSet::new(),
            cpu: Cell::new(0),
            slot: Cell::new(0),
            out: RefCell::default(),
        }
    }

    /// The next frame is seen by this CPU, on this interface, at this time.
    pub fn set(&self, cpu: usize, slot: u32, ktime: u64, ticks: u32) {
        self.cpu.set(if cpu < self.cpus.len() { cpu } else { 0 });
        self.slot.set(slot);
        self.control.test_ktime.set(ktime);
        self.control.test_ticks.set(ticks);
    }

    /// Raw records since the last call; handed back to [`Memory::give_out`] so that its memory is used again.
    pub fn take_out(&self) -> Out {
        self.out.take()
    }

    /// Takes the buffer of [`Memory::take_out`] back.
    pub fn give_out(&self, mut out: Out) {
        out.clear();
        self.out.replace(out);
    }

    /// CPUs.
    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// Sets of one CPU within `range` that were written since the last call, with their index, in order.
    pub fn take_touched(&self, cpu: usize, range: std::ops::Range<usize>) -> Vec<(usize, &Set)> {
        let base = cpu.saturating_mul(self.sets_per_cpu as usize);
        let (mut at, end) = (base.saturating_add(range.start), base.saturating_add(range.end));
        let mut found = Vec::new();
        while at < end {
            let Some(word) = self.touched.get(at / 64) else { break };
            let rest = word.get() >> (at % 64);
            if rest == 0 {
                at = (at / 64).saturating_add(1).saturating_mul(64);
                continue;
            }
            at = at.saturating_add(rest.trailing_zeros() as usize);
            if at >= end {
                break;
            }
            word.set(word.get() & !(1 << (at % 64)));
            if let Some(set) = self.sets.get(at) {
                found.push((at.saturating_sub(base), set));
            }
            at = at.saturating_add(1);
        }
        found
    }

    /// The storm table.
    pub fn storm(&self) -> &[StormRow] {
        &self.storm
    }
}

impl<'a> Tables for &'a Memory {
    type Frame = Slice<'a>;

    #[inline]
    fn ticks(&self) -> u32 {
        self.control.test_ticks.get()
    }

    #[inline]
    fn ktime(&self) -> u64 {
        self.control.test_ktime.get()
    }

    #[inline]
    fn cpu(&self) -> &Cpu {
        #[expect(
            clippy::indexing_slicing,
            reason = "there is at least one CPU, and `Memory::set` stays below their number"
        )]
        &self.cpus[self.cpu.get()]
    }

    #[inline]
    fn control(&self) -> &Control {
        &self.control
    }

    #[inline]
    fn slot(&self) -> u32 {
        self.slot.get()
    }

    #[inline]
    fn sets(&self) -> u32 {
        self.sets_per_cpu
    }

    #[inline]
    fn secret(&self, word: usize) -> u64 {
        SECRETS.get(word).copied().unwrap_or(1)
    }

    #[inline]
    fn set(&self, slice: u32, index: u32) -> Option<&Set> {
        let at = (slice as usize).saturating_mul(self.sets_per_cpu as usize).saturating_add(index as usize);
        if let Some(word) = self.touched.get(at / 64) {
            word.set(word.get() | 1 << (at % 64));
        }
        self.sets.get(at)
    }

    #[inline]
    fn port_class(&self, index: u32) -> Class {
        self.ports.get(index as usize).copied().unwrap_or(Class::Unknown)
    }

    #[inline]
    fn class_policy(&self, class: Class) -> ClassPolicy {
        self.classes.get(class as usize).copied().unwrap_or(ClassPolicy { snap: 0, budget: 0 })
    }

    fn verdict(&self, endpoint: &Endpoint) -> Option<Class> {
        self.verdicts.get(endpoint).copied()
    }

    fn watched(&self, address: &[u64; 2]) -> bool {
        self.watched.contains(address)
    }

    fn storm_row(&self, index: u32) -> Option<&StormRow> {
        self.storm.get(index as usize)
    }

    fn fence(&self) {}

    fn emit_flow(&self, build: impl FnOnce(&mut FlowRecord)) -> bool {
        let mut record = FlowRecord::new_zeroed();
        build(&mut record);
        let mut out = self.out.borrow_mut();
        out.bytes.extend_from_slice(record.as_bytes());
        out.end();
        true
    }

    fn emit_frame(
        &self,
        _ring: Ring,
        cap: u32,
        frame: &Slice<'a>,
        build: impl FnOnce(&mut FrameRecord),
    ) -> Result<bool, Uncopied> {
        let mut record = FrameRecord::new_zeroed();
        build(&mut record);
        // A capture cut the frame: less can be shipped than the wire held.
        let have = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let cap = cap.min(have);
        record.cap_len = u16::try_from(cap).unwrap_or(u16::MAX);
        let bytes = frame.bytes.get(..cap as usize).filter(|bytes| !bytes.is_empty()).ok_or(Uncopied)?;
        let mut out = self.out.borrow_mut();
        out.bytes.extend_from_slice(record.as_bytes());
        out.bytes.extend_from_slice(bytes);
        out.end();
        Ok(true)
    }
}
