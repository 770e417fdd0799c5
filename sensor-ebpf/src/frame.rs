//! Bounded reads of one frame.

/// Headers end within this many bytes of the frame's start: Ethernet, two tags, IPv4 with options or IPv6 with
/// [`crate::wire::ipv6::MAX_EXTENSIONS`] extension headers. Both hosts refuse reads beyond it, so that they agree, and
/// the verifier knows every offset's range.
pub const MAX_HEADERS: usize = 512;

/// One frame as received, from the first byte of its Ethernet header.
pub trait Frame: Copy {
    /// The same frame where all its headers can be read.
    type Whole: Frame;
    /// A header of `N` bytes that was found to be there.
    type Header<const N: usize>: Header<N>;

    /// Whether headers of every shape are read here. Where not, only the usual ones are (see [`crate::wire`]) and all
    /// others only in [`Frame::Whole`]: variable offsets into the packet itself are more states than old verifiers
    /// follow, and every case that need not be told apart here makes the usual ones faster.
    const READS_ALL: bool;

    /// Bytes on the wire.
    fn wire_len(&self) -> u64;

    /// Bytes in the first buffer, which is the whole frame unless it is a jumbo frame. Costs nothing to ask.
    fn first_len(&self) -> u64;

    /// The header of `N` bytes at `offset`, `None` where the frame or [`MAX_HEADERS`] end before it does.
    ///
    /// Ask for a whole fixed header at once: one comparison is then enough for all its fields.
    fn header<const N: usize>(&self, offset: usize) -> Option<Self::Header<N>>;

    /// The same number. In the kernel the verifier forgets on the way what it knew of it, so that paths that differ in
    /// nothing else are one: without this it follows every combination of extension headers to the end.
    #[inline(always)]
    fn forget(&self, number: usize) -> usize {
        number
    }

    /// A copy of the frame's start, for frames whose headers lie beyond the linear part or are not the usual ones;
    /// `None` where this is it.
    fn whole(&self) -> Option<Self::Whole>;
}

/// `N` bytes of a frame, read field by field: in the kernel each is one load, at the width of the field.
pub trait Header<const N: usize>: Copy {
    /// A header within this one.
    type Part<const M: usize>: Header<M>;

    /// The `M` bytes from `AT` on as a header of their own.
    fn part<const AT: usize, const M: usize>(self) -> Self::Part<M>;

    /// The `M` bytes from `AT` on. That they lie within the header is checked when this is compiled.
    fn take<const AT: usize, const M: usize>(self) -> [u8; M];

    /// The byte at `AT`.
    #[inline(always)]
    fn byte<const AT: usize>(self) -> u8 {
        u8::from_ne_bytes(self.take::<AT, 1>())
    }

    /// The number in network order at `AT`.
    #[inline(always)]
    fn be16<const AT: usize>(self) -> u16 {
        u16::from_be_bytes(self.take::<AT, 2>())
    }

    /// Four bytes at `AT` as they stand.
    #[inline(always)]
    fn ne32<const AT: usize>(self) -> u32 {
        u32::from_ne_bytes(self.take::<AT, 4>())
    }

    /// Eight bytes at `AT` as they stand.
    #[inline(always)]
    fn ne64<const AT: usize>(self) -> u64 {
        u64::from_ne_bytes(self.take::<AT, 8>())
    }
}

/// A frame in ordinary memory.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Bytes on the wire, at least `bytes.len()`.
    pub wire_len: u32,
}

impl<'a> Frame for Slice<'a> {
    type Whole = Self;
    type Header<const N: usize> = &'a [u8; N];
    const READS_ALL: bool = true;

    #[inline]
    fn wire_len(&self) -> u64 {
        // Broken captures say otherwise.
        u64::from(self.wire_len).max(self.bytes.len() as u64)
    }

    #[inline]
    fn first_len(&self) -> u64 {
        self.wire_len()
    }

    #[inline]
    fn header<const N: usize>(&self, offset: usize) -> Option<&'a [u8; N]> {
        if offset > MAX_HEADERS.saturating_sub(N) {
            return None;
        }
        self.bytes.get(offset..)?.first_chunk::<N>()
    }

    fn whole(&self) -> Option<Self> {
        None
    }
}

impl<'a, const N: usize> Header<N> for &'a [u8; N] {
    type Part<const M: usize> = &'a [u8; M];

    #[inline(always)]
    fn part<const AT: usize, const M: usize>(self) -> &'a [u8; M] {
        const { assert!(AT + M <= N, "a part beyond its header") }
        // Always there, as just checked, which the compiler sees too.
        self.get(AT..).and_then(|rest| rest.first_chunk::<M>()).unwrap_or(&[0; M])
    }

    #[inline(always)]
    fn take<const AT: usize, const M: usize>(self) -> [u8; M] {
        const { assert!(AT + M <= N, "a field beyond its header") }
        // Always there, as just checked, which the compiler sees too.
        self.get(AT..).and_then(|rest| rest.first_chunk::<M>()).copied().unwrap_or([0; M])
    }
}
