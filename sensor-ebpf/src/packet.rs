//! The kernel's side of [`Frame`]: a packet in the driver's buffer, or its headers copied out of it.

use core::ptr;

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::{bpf_xdp_get_buff_len, bpf_xdp_load_bytes};
use sensor_ebpf::frame::{Frame, Header, MAX_HEADERS};

use crate::maps::SCRATCH;

/// One frame in the driver's buffer.
#[derive(Clone, Copy)]
pub struct Packet {
    pub(crate) context: *mut xdp_md,
    /// The linear part. Kept, because a pointer loaded again in a function of its own passes through 32 bits there,
    /// which the verifier takes for arithmetic.
    pub(crate) data: usize,
    pub(crate) end: usize,
}

/// `N` bytes at an address, found to be there.
#[derive(Clone, Copy)]
pub struct At<const N: usize>(*const u8);

impl<const N: usize> Header<N> for At<N> {
    type Part<const M: usize> = At<M>;

    #[inline(always)]
    fn part<const AT: usize, const M: usize>(self) -> At<M> {
        const { assert!(AT + M <= N, "a part beyond its header") }
        // SAFETY: the part lies within N bytes that are there.
        At(unsafe { self.0.add(AT) })
    }

    #[inline(always)]
    fn take<const AT: usize, const M: usize>(self) -> [u8; M] {
        const { assert!(AT + M <= N, "a field beyond its header") }
        // SAFETY: whoever made this value found N bytes to be there, and the field lies within.
        unsafe { ptr::read_unaligned(self.0.add(AT).cast()) }
    }
}

impl Frame for Packet {
    type Whole = Copied;
    type Header<const N: usize> = At<N>;
    const READS_ALL: bool = false;

    #[inline(always)]
    fn wire_len(&self) -> u64 {
        // SAFETY: the context is valid for the whole run of the program; the helper only reads it.
        unsafe { bpf_xdp_get_buff_len(self.context) as u64 }
    }

    #[inline(always)]
    fn first_len(&self) -> u64 {
        let mut len = self.end.wrapping_sub(self.data) as u64;
        // SAFETY: moves a register to itself. It keeps LLVM from subtracting a packet's length from the end of the frame
        // first: kernels before 6.15 know no bounds of a number whose bytes were swapped, and refuse it with a pointer.
        unsafe {
            core::arch::asm!("{0} = {0}", inout(reg) len, options(pure, nomem, nostack, preserves_flags))
        }
        len
    }

    #[inline(always)]
    fn header<const N: usize>(&self, offset: usize) -> Option<At<N>> {
        if offset > MAX_HEADERS {
            return None;
        }
        let at = self.data.wrapping_add(offset);
        (at.wrapping_add(N) <= self.end).then_some(At(at as *const u8))
    }

    #[inline(always)]
    fn whole(&self) -> Option<Copied> {
        let start = SCRATCH.get_ptr_mut(0)?.cast::<u8>();
        let wire_len = self.wire_len();
        let len = length(if wire_len < COPIED { wire_len } else { COPIED }, COPIED)?;
        // SAFETY: scratch holds more than COPIED bytes; records are built in it only after the headers were read.
        let failed = unsafe { bpf_xdp_load_bytes(self.context, 0, start.cast(), len as u32) };
        (failed == 0).then_some(Copied { start, len: len as usize, wire_len })
    }
}

/// `len`, at least 1, as a length the verifier knows to be 1..=`max`; `None` beyond. A frame is never empty.
#[inline(always)]
pub(crate) fn length(mut len: u64, max: u64) -> Option<u64> {
    // SAFETY: compares and writes the register it is given. LLVM would compare for equality with zero, from which old
    // verifiers learn nothing, or merge both comparisons into one on `len - 1`.
    unsafe {
        core::arch::asm!("if {0} > 0 goto +1", "{0} = 1", inout(reg) len, options(pure, nomem, nostack));
    }
    (len <= max).then_some(len)
}

/// Every header the packet path reads.
const COPIED: u64 = MAX_HEADERS as u64;

/// The start of a frame, in this CPU's scratch.
#[derive(Clone, Copy)]
pub struct Copied {
    start: *const u8,
    len: usize,
    wire_len: u64,
}

impl Frame for Copied {
    type Whole = Self;
    type Header<const N: usize> = At<N>;
    const READS_ALL: bool = true;

    #[inline(always)]
    fn wire_len(&self) -> u64 {
        self.wire_len
    }

    #[inline(always)]
    fn first_len(&self) -> u64 {
        self.wire_len
    }

    #[inline(always)]
    fn header<const N: usize>(&self, mut offset: usize) -> Option<At<N>> {
        // SAFETY: moves a register to itself. It keeps LLVM from leaving out the first comparison where it knows the
        // offset to be small: the verifier learns nothing of a number from comparing its sum with another.
        unsafe {
            core::arch::asm!("{0} = {0}", inout(reg) offset, options(pure, nomem, nostack, preserves_flags))
        }
        if offset > COPIED as usize - N || offset.wrapping_add(N) > self.len {
            return None;
        }
        // SAFETY: the copied bytes go that far, as just compared.
        Some(At(unsafe { self.start.add(offset) }))
    }

    #[inline(always)]
    fn forget(&self, number: usize) -> usize {
        // The verifier knows nothing of what stands in map values.
        // SAFETY: scratch holds more than a word beyond COPIED bytes, which is a multiple of eight, and is aligned.
        unsafe {
            let place = self.start.add(COPIED as usize).cast_mut().cast::<usize>();
            place.write_volatile(number);
            place.read_volatile()
        }
    }

    #[inline(always)]
    fn whole(&self) -> Option<Self> {
        None
    }
}
