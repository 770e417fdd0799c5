//! The kernel's side of [`Tables`]: BPF maps.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;

use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_RB_NO_WAKEUP, xdp_md};
use aya_ebpf::helpers::generated::{
    bpf_get_smp_processor_id, bpf_jiffies64, bpf_ktime_get_ns, bpf_ringbuf_output, bpf_xdp_load_bytes,
};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, PerCpuArray, RingBuf};

use sensor_ebpf::flow::Set;
use sensor_ebpf::policy::{Class, ClassPolicy, Control, Endpoint, PORTS_PER_CHUNK, PortChunk, PortKey};
use sensor_ebpf::record::{FlowRecord, FrameRecord, MAX_CAP, MAX_RECORD, Ring};
use sensor_ebpf::storm::{ALL_ROWS, StormRow};
use sensor_ebpf::tables::{Cpu, MAX_CPUS, Tables, Uncopied};

use crate::packet::{Packet, length};

/// The same bytes as `T`, without its cells: maps are statics, and statics want `Sync`.
type Raw<const N: usize> = [u64; N];
type RawSet = Raw<{ size_of::<Set>() / 8 }>;
type RawStorm = Raw<{ size_of::<StormRow>() / 8 }>;

// Sizes of FLOWS and of the rings are set by the loader.
#[map]
static FLOWS: Array<RawSet> = Array::with_max_entries(1 << 10, BPF_F_MMAPABLE);
#[map]
static PORTS: Array<PortChunk> = Array::with_max_entries(PortKey::SPACE / PORTS_PER_CHUNK, 0);
#[map]
static CLASSES: Array<ClassPolicy> = Array::with_max_entries(Class::SLOTS as u32, 0);
#[map]
static VERDICT: HashMap<Endpoint, u8> = HashMap::with_max_entries(4096, 0);
#[map]
static WATCH: HashMap<[u64; 2], u8> = HashMap::with_max_entries(256, 0);
#[map]
static STORM: PerCpuArray<RawStorm> = PerCpuArray::with_max_entries(ALL_ROWS, 0);
#[map]
pub(crate) static SCRATCH: PerCpuArray<[u64; MAX_RECORD.div_ceil(8)]> = PerCpuArray::with_max_entries(1, 0);
#[map]
static LIFECYCLE: RingBuf = RingBuf::with_byte_size(1 << 20, 0);
#[map]
static INDUSTRIAL: RingBuf = RingBuf::with_byte_size(1 << 20, 0);
#[map]
static ACCESS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);
#[map]
static EVIDENCE: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// Memory that user space writes while programs read it.
#[repr(transparent)]
struct Shared<T>(UnsafeCell<T>);

// SAFETY: read by volatile loads of single fields, so that nothing is assumed about who writes when.
unsafe impl<T> Sync for Shared<T> {}

// Sections of their own, because each becomes a map with one value. Where a map must be looked up by a key, these are
// addresses in the program: three lookups less for each packet.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.control")]
static CONTROL: Shared<MaybeUninit<Control>> = Shared(UnsafeCell::new(MaybeUninit::zeroed()));
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.cpus")]
static CPUS: Shared<MaybeUninit<[Cpu; MAX_CPUS]>> = Shared(UnsafeCell::new(MaybeUninit::zeroed()));
/// Interface index, lower 16 bits, to slot. The loader refuses two interfaces that share them.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss.slots")]
static SLOTS: Shared<[u8; 1 << 16]> = Shared(UnsafeCell::new([0; 1 << 16]));

// Set by the loader before the program is verified; constants from then on. Cells, so that LLVM does not take what
// stands here for what will.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.constants")]
static SECRETS: Shared<[u64; 5]> = Shared(UnsafeCell::new([0; 5]));
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.constants")]
static SETS: Shared<u32> = Shared(UnsafeCell::new(1 << 10));
/// Not zero: time comes from CONTROL. Where it is zero the verifier removes the code.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.constants")]
static TEST_CLOCK: Shared<u32> = Shared(UnsafeCell::new(0));

/// Reads a constant the loader may have replaced.
macro_rules! constant {
    ($name:ident) => {
        // SAFETY: a static of this program, initialised, aligned and never written after load.
        unsafe { *$name.0.get() }
    };
}

/// The maps, with what every packet needs looked up once.
#[derive(Clone, Copy)]
pub struct Maps {
    cpu: &'static Cpu,
    slot: u32,
}

/// What one run of the program works on; `None` on a CPU beyond [`MAX_CPUS`].
#[inline(always)]
pub fn host(context: *mut xdp_md) -> Option<(Packet, Maps)> {
    // SAFETY: the context is valid for the whole run of the program.
    let (interface, data, end) = unsafe {
        let c = &*context;
        (c.ingress_ifindex, c.data as usize, c.data_end as usize)
    };
    // SAFETY: a helper without arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() } as usize;
    if cpu >= MAX_CPUS {
        return None;
    }
    // SAFETY: CPU and slot lie within their tables, as just compared and masked. The memory lives as long as the
    // program, is zero at first, and a `Cpu` is made of cells, which this CPU alone writes.
    let (slot, cpu) = unsafe {
        let slot = SLOTS.0.get().cast::<u8>().add((interface & 0xffff) as usize).read_volatile();
        (u32::from(slot), &*CPUS.0.get().cast::<Cpu>().add(cpu))
    };
    Some((Packet { context, data, end }, Maps { cpu, slot }))
}

impl Maps {
    #[inline(always)]
    fn output(&self, ring: Ring, data: *const u8, len: u64) -> bool {
        let ring = match ring {
            Ring::Lifecycle => &LIFECYCLE,
            Ring::Industrial => &INDUSTRIAL,
            Ring::Access => &ACCESS,
            Ring::Evidence => &EVIDENCE,
        };
        // The reader drains on a timer: waking it for each record would cost more than the record.
        // SAFETY: `ring` is a ring buffer map; `data` holds `len` initialised bytes.
        unsafe {
            bpf_ringbuf_output(
                ptr::from_ref(ring).cast_mut().cast(),
                data.cast_mut().cast(),
                len,
                u64::from(BPF_RB_NO_WAKEUP),
            ) == 0
        }
    }
}

impl Tables for Maps {
    type Frame = Packet;

    #[inline(always)]
    fn ticks(&self) -> u32 {
        if constant!(TEST_CLOCK) != 0 {
            return self.control().test_ticks.get();
        }
        // SAFETY: a helper without arguments.
        unsafe { bpf_jiffies64() as u32 }
    }

    #[inline(always)]
    fn ktime(&self) -> u64 {
        if constant!(TEST_CLOCK) != 0 {
            return self.control().test_ktime.get();
        }
        // SAFETY: a helper without arguments.
        unsafe { bpf_ktime_get_ns() }
    }

    #[inline(always)]
    fn cpu(&self) -> &Cpu {
        self.cpu
    }

    #[inline(always)]
    fn control(&self) -> &Control {
        // SAFETY: memory that lives as long as the program, is zero at first, and is made of cells, which user space
        // alone writes.
        unsafe { &*CONTROL.0.get().cast() }
    }

    #[inline(always)]
    fn slot(&self) -> u32 {
        self.slot
    }

    #[inline(always)]
    fn sets(&self) -> u32 {
        constant!(SETS)
    }

    #[inline(always)]
    fn secret(&self, word: usize) -> u64 {
        // SAFETY: as for `constant!`; callers pass constants below five, and the verifier checks the range.
        unsafe { SECRETS.0.get().cast::<u64>().wrapping_add(word).read() }
    }

    #[inline(always)]
    fn set(&self, index: u32) -> Option<&Set> {
        let set = FLOWS.get_ptr(index)?.cast::<Set>();
        // SAFETY: a map value of the size of `Set`, made of cells and an atomic; this CPU alone writes its slice.
        Some(unsafe { &*set })
    }

    #[inline(always)]
    fn port_class(&self, index: u32) -> Class {
        let Some(chunk) = PORTS.get(index / PORTS_PER_CHUNK) else { return Class::Unknown };
        Class::from_u8(chunk.0[(index % PORTS_PER_CHUNK) as usize])
    }

    #[inline(always)]
    fn class_policy(&self, class: Class) -> ClassPolicy {
        CLASSES.get(class as u32).copied().unwrap_or(ClassPolicy { snap: 0, budget: 0 })
    }

    #[inline(always)]
    fn verdict(&self, endpoint: &Endpoint) -> Option<Class> {
        // SAFETY: values are single bytes; a concurrent update cannot tear them.
        unsafe { VERDICT.get(endpoint) }.map(|class| Class::from_u8(*class))
    }

    #[inline(always)]
    fn watched(&self, address: &[u64; 2]) -> bool {
        // SAFETY: as above; the value is not even read.
        unsafe { WATCH.get(address) }.is_some()
    }

    #[inline(always)]
    fn storm_row(&self, index: u32) -> Option<&StormRow> {
        let row = STORM.get_ptr(index)?.cast::<StormRow>();
        // SAFETY: a map value of the size of `StormRow`, made of cells, of this CPU alone.
        Some(unsafe { &*row })
    }

    #[inline(always)]
    fn forget(&self, number: u64) -> u64 {
        let place = self.cpu.forgotten.as_ptr();
        // The verifier knows nothing of what stands in map values.
        // SAFETY: a cell of this CPU alone.
        unsafe {
            place.write_volatile(number);
            place.read_volatile()
        }
    }

    #[inline(always)]
    fn fence(&self) {
        // SAFETY: no instruction at all; the compiler may not move memory accesses across it.
        unsafe { core::arch::asm!("", options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn emit_flow(&self, build: impl FnOnce(&mut FlowRecord)) -> bool {
        let Some(scratch) = SCRATCH.get_ptr_mut(0) else { return false };
        // SAFETY: scratch is larger than a record, aligned to eight, initialised, and of this CPU alone.
        build(unsafe { &mut *scratch.cast() });
        self.output(Ring::Lifecycle, scratch.cast(), size_of::<FlowRecord>() as u64)
    }

    #[inline(always)]
    fn emit_frame(
        &self,
        ring: Ring,
        cap: u32,
        frame: &Packet,
        build: impl FnOnce(&mut FrameRecord),
    ) -> Result<bool, Uncopied> {
        let scratch = SCRATCH.get_ptr_mut(0).ok_or(Uncopied)?.cast::<u8>();
        // SAFETY: as above.
        build(unsafe { &mut *scratch.cast() });
        let cap = length(u64::from(cap), MAX_CAP as u64).ok_or(Uncopied)?;
        // SAFETY: scratch holds MAX_RECORD bytes: the header and MAX_CAP more, and cap is at most MAX_CAP.
        let failed = unsafe {
            bpf_xdp_load_bytes(frame.context, 0, scratch.add(size_of::<FrameRecord>()).cast(), cap as u32)
        };
        if failed != 0 {
            return Err(Uncopied);
        }
        Ok(self.output(ring, scratch, size_of::<FrameRecord>() as u64 + cap))
    }
}
