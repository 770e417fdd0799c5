//! What the packet path keeps and asks, behind one trait.
//!
//! Methods take `&self` and state stands in `Cell`s: in the kernel these are map values, shared with nobody but the
//! same CPU and a reader in user space, and a `&mut` on them would claim more than is true.

use core::cell::Cell;

use crate::counters::Counter;
use crate::flow::Set;
use crate::frame::Frame;
use crate::policy::{Class, ClassPolicy, Control, Endpoint};
use crate::record::{FlowRecord, FrameRecord, Ring};
use crate::storm::StormRow;

/// CPUs that can be told apart. What they have for themselves stands in one block of memory, found by the CPU's number
/// alone: a per-CPU map has to be looked up.
pub const MAX_CPUS: usize = 256;
/// Bytes of a [`Cpu`]: whole cache lines, so that no two CPUs write to one.
const CPU_BYTES: usize = 256;

/// [`Cpu::first`] where there is none: beyond every cache, also when the index in a slice is added.
pub const NO_SETS: u32 = 1 << 31;

/// What each CPU has for itself.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Cpu {
    /// One more than this CPU's slice of the flow cache; zero: it has none.
    pub slice: Cell<u32>,
    /// The first set of that slice; [`NO_SETS`] without one.
    pub first: Cell<u32>,
    /// Ticks when the buckets were last filled.
    pub refilled: Cell<u32>,
    /// New flows still allowed: industrial, others.
    pub tokens: [Cell<u32>; 2],
    spare: Cell<u32>,
    /// Next sequence number of each ring.
    pub seq: [Cell<u32>; Ring::COUNT],
    /// [`Counter`]s.
    pub counters: [Cell<u64>; Counter::COUNT],
    /// Where numbers pass that the verifier shall forget; see [`Tables::forget`].
    pub forgotten: Cell<u64>,
    rest: [Cell<u64>; (CPU_BYTES - 48 - 8 * Counter::COUNT) / 8],
}

const _: () = assert!(size_of::<Cpu>() == CPU_BYTES);

impl Cpu {
    /// With the slice of that number, of so many sets.
    pub fn new(slice: u32, sets: u32) -> Self {
        let (slice, first) = (slice.wrapping_add(1), slice.wrapping_mul(sets));
        Self { slice: Cell::new(slice), first: Cell::new(first), ..Self::default() }
    }

    /// Without a slice.
    pub fn stranger() -> Self {
        Self { first: Cell::new(NO_SETS), ..Self::default() }
    }

    /// Adds to a counter.
    #[inline(always)]
    pub fn count(&self, counter: Counter, n: u64) {
        if let Some(cell) = self.counters.get(counter as usize) {
            cell.set(cell.get().wrapping_add(n));
        }
    }

    /// The sequence number of the next record in `ring`, taken.
    #[inline(always)]
    pub fn next_seq(&self, ring: Ring) -> u32 {
        match self.seq.get(ring as usize) {
            Some(cell) => {
                let seq = cell.get();
                cell.set(seq.wrapping_add(1));
                seq
            }
            None => 0,
        }
    }

    /// Counts a record that its ring had no room for.
    #[inline(always)]
    pub fn count_lost(&self, ring: Ring) {
        self.count(
            match ring {
                Ring::Lifecycle => Counter::LostLifecycle,
                Ring::Industrial => Counter::LostIndustrial,
                Ring::Access => Counter::LostAccess,
                Ring::Evidence => Counter::LostEvidence,
            },
            1,
        );
    }
}

/// Clock, flows, policy and rings of one host of the packet path.
pub trait Tables: Copy {
    /// The frame type that goes with it.
    type Frame: Frame;

    /// Coarse clock: jiffies in the kernel, capture time in units of the same length in replay.
    fn ticks(&self) -> u32;
    /// Nanoseconds; read only for what leaves the kernel, because it costs as much as all the rest.
    fn ktime(&self) -> u64;
    /// This CPU's state.
    fn cpu(&self) -> &Cpu;
    /// What user space may change.
    fn control(&self) -> &Control;
    /// Interface the frame came in on, 0–15.
    fn slot(&self) -> u32;
    /// One more than the highest set index in a slice: a power of two.
    fn sets(&self) -> u32;
    /// Secret multiplier of the flow hash for key word `word`, 0–4. One by one: an array would stand on the stack.
    fn secret(&self, word: usize) -> u64;
    /// The set at `index` of all slices, one slice behind another; `None` beyond them.
    fn set(&self, index: u32) -> Option<&Set>;
    /// Class of a [`crate::policy::PortKey`] index.
    fn port_class(&self, index: u32) -> Class;
    /// How payload of a class is shipped.
    fn class_policy(&self, class: Class) -> ClassPolicy;
    /// What the engine decided about an end.
    fn verdict(&self, endpoint: &Endpoint) -> Option<Class>;
    /// Whether the engine watches an address.
    fn watched(&self, address: &[u64; 2]) -> bool;
    /// A row of the storm table.
    fn storm_row(&self, index: u32) -> Option<&StormRow>;
    /// The same number. In the kernel the verifier forgets on the way what it knew of it, so that paths that differ in
    /// nothing else are one: without this it would follow every kind of packet to the end by itself.
    #[inline(always)]
    fn forget(&self, number: u64) -> u64 {
        number
    }
    /// Orders stores for a reader in user space; nothing where there is none.
    fn fence(&self);
    /// Sends a flow record through the lifecycle ring; `false` when there was no room. `build` sets every field where
    /// the record is sent from, because a BPF program has 512 bytes of stack.
    fn emit_flow(&self, build: impl FnOnce(&mut FlowRecord)) -> bool;
    /// Likewise a frame record and the first `cap` bytes of the frame.
    ///
    /// # Errors
    /// [`Uncopied`] when the bytes could not be read.
    fn emit_frame(
        &self,
        ring: Ring,
        cap: u32,
        frame: &Self::Frame,
        build: impl FnOnce(&mut FrameRecord),
    ) -> Result<bool, Uncopied>;
}

/// The frame's bytes could not be read into a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncopied;
