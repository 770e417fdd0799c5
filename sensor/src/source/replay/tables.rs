//! The host's side of [`Tables`]: what BPF maps are in the kernel, in ordinary memory.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use sensor_ebpf::flow::Set;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::policy::{Class, ClassPolicy, Control, Endpoint, PortKey};
use sensor_ebpf::record::{FlowRecord, FrameRecord, Ring};
use sensor_ebpf::storm::{ALL_ROWS, StormRow};
use sensor_ebpf::tables::{Cpu, Tables, Uncopied};
use zerocopy::{FromZeros as _, IntoBytes as _};

use super::ReplayOptions;
use super::dirty::Dirty;
use super::out::Out;
use crate::source::policy::{class_policy, port_classes};
use crate::source::storms::Row;
use crate::time::Time;

/// Rows of the storm table of one CPU, those for others included.
const STORM_ROWS: usize = ALL_ROWS as usize;

/// Tables of one host. Records of one frame wait in it until [`Memory::drain`].
pub struct Memory {
    sets: Vec<Set>,
    sets_per_cpu: u32,
    dirty: Dirty,
    cpus: Vec<Cpu>,
    /// A CPU without a slice.
    stranger: Cpu,
    storm: Vec<StormRow>,
    ports: Vec<Class>,
    classes: [ClassPolicy; Class::SLOTS],
    secrets: [u64; 5],
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
    /// Empty tables; `options` are taken as [`ReplayOptions::sane`] gives them.
    pub fn new(options: &ReplayOptions) -> Self {
        let mut ports = vec![Class::Unknown; PortKey::SPACE as usize];
        for (port, class) in port_classes() {
            if let Some(cell) = ports.get_mut(port.index() as usize) {
                *cell = class;
            }
        }
        let mut classes = [ClassPolicy { snap: 0, budget: 0 }; Class::SLOTS];
        for (n, policy) in (0_u8..).zip(classes.iter_mut()) {
            *policy = class_policy(Class::from_u8(n));
        }
        let slices = 0..u32::try_from(options.cpus).unwrap_or(u32::MAX);
        let sets = options.cpus.saturating_mul(options.sets as usize);
        Self {
            sets: std::iter::repeat_with(Set::default).take(sets).collect(),
            sets_per_cpu: options.sets,
            dirty: Dirty::new(options.cpus, options.sets as usize),
            cpus: slices.map(|slice| Cpu::new(slice, options.sets)).collect(),
            stranger: Cpu::stranger(),
            storm: std::iter::repeat_with(StormRow::default)
                .take(options.cpus.saturating_mul(STORM_ROWS))
                .collect(),
            ports,
            classes,
            secrets: options.secrets,
            control: control(options),
            verdicts: HashMap::new(),
            watched: HashSet::new(),
            cpu: Cell::new(0),
            slot: Cell::new(0),
            out: RefCell::default(),
        }
    }

    /// The next frame is seen by CPU `cpu`, on interface `slot`, at these times.
    #[inline]
    pub fn set(&self, cpu: usize, slot: u32, ktime: u64, ticks: u32) {
        self.cpu.set(cpu);
        self.slot.set(slot);
        self.control.test_ktime.set(ktime);
        self.control.test_ticks.set(ticks);
    }

    /// Hands over the raw records since the last call, oldest first, and says whether there were any.
    #[inline]
    pub fn drain(&self, record: impl FnMut(&[u8])) -> bool {
        let mut out = self.out.borrow_mut();
        let any = !out.is_empty();
        if any {
            out.drain(record);
        }
        any
    }

    /// CPUs, those without a slice left out.
    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// The sets of `cpu` in the `part`th of `parts` parts of its slice that packets met since they were last asked for,
    /// with their index.
    pub fn touched(&self, cpu: usize, part: usize, parts: usize) -> impl Iterator<Item = (usize, &Set)> {
        let start = cpu.saturating_mul(self.sets_per_cpu as usize);
        self.dirty
            .take(cpu, part, parts)
            .filter_map(move |index| Some((index, self.sets.get(start.checked_add(index)?)?)))
    }

    /// The storm tables of all CPUs.
    pub fn storm(&self) -> impl Iterator<Item = Row> {
        let tables = self.storm.chunks(STORM_ROWS).enumerate();
        tables.flat_map(|(cpu, rows)| (0..).zip(rows).map(move |(n, row)| Row { cpu, ..Row::of(row, n) }))
    }

    /// Empties the flow cache.
    pub fn forget(&mut self) {
        self.sets.fill_with(Set::default);
        self.dirty.clear();
    }
}

/// The limits in ticks.
fn control(options: &ReplayOptions) -> Control {
    let per_second = (Time::SECOND / options.tick_ns).max(1);
    let ticks =
        |seconds: u32| u32::try_from(u64::from(seconds).saturating_mul(per_second)).unwrap_or(u32::MAX);
    let per_tick = |rate: u32| u32::try_from(u64::from(rate).div_ceil(per_second)).unwrap_or(u32::MAX);
    let limits = &options.limits;
    // No heartbeat limit: user space is this very thread.
    Control {
        idle: Cell::new(ticks(limits.idle_s)),
        rate: limits.rate.map(|rate| Cell::new(per_tick(rate))),
        burst: limits.burst.map(Cell::new),
        ..Control::default()
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
        self.cpus.get(self.cpu.get()).unwrap_or(&self.stranger)
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
        self.secrets.get(word).copied().unwrap_or(1)
    }

    #[inline]
    fn set(&self, index: u32) -> Option<&Set> {
        let set = self.sets.get(index as usize)?;
        // Sets of a slice are a power of two.
        self.dirty.mark(self.cpu.get(), (index & self.sets_per_cpu.wrapping_sub(1)) as usize);
        Some(set)
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
        let index = usize::try_from(index).ok().filter(|index| *index < STORM_ROWS)?;
        self.storm.get(self.cpu.get().checked_mul(STORM_ROWS)?.checked_add(index)?)
    }

    #[inline]
    fn fence(&self) {}

    fn emit_flow(&self, build: impl FnOnce(&mut FlowRecord)) -> bool {
        let mut record = FlowRecord::new_zeroed();
        build(&mut record);
        self.out.borrow_mut().push(record.as_bytes(), &[]);
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
        // The capture may hold less than the wire did; the kernel always has the whole frame.
        let bytes = frame.bytes.get(..cap as usize).unwrap_or(frame.bytes);
        if bytes.is_empty() {
            return Err(Uncopied);
        }
        record.cap_len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.out.borrow_mut().push(record.as_bytes(), bytes);
        Ok(true)
    }
}
