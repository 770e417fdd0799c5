//! Bounded reads of one frame.

/// Headers end within this many bytes of the frame's start: Ethernet, two tags, IPv4 with options or IPv6 with
/// [`crate::wire::ipv6::MAX_EXTENSIONS`] extension headers. Both hosts refuse reads beyond it, so that they agree, and
/// the verifier knows every offset's range.
pub const MAX_HEADERS: usize = 512;

/// One frame as received, from the first byte of its Ethernet header.
pub trait Frame {
    /// The same frame where all its headers can be read.
    type Whole: Frame;

    /// Whether IPv6 extension headers are walked here. The kernel walks them only in [`Frame::Whole`]: variable offsets
    /// into the packet itself are more states than old verifiers follow.
    const WALKS_EXTENSIONS: bool;

    /// Bytes on the wire.
    fn wire_len(&self) -> u32;

    /// The `N` bytes at `offset`, `None` where the frame or [`MAX_HEADERS`] end before them.
    ///
    /// Take a whole fixed header at once and index it with constants: reads of a single byte get rewritten by LLVM
    /// into a comparison that the verifier cannot use.
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;

    /// A copy of the frame's start, for frames whose headers lie beyond the linear part or behind extension headers;
    /// `None` where this is it.
    fn whole(&self) -> Option<Self::Whole>;
}

/// A frame in ordinary memory.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Bytes on the wire, at least `bytes.len()`.
    pub wire_len: u32,
}

impl Frame for Slice<'_> {
    type Whole = Self;
    const WALKS_EXTENSIONS: bool = true;

    fn wire_len(&self) -> u32 {
        self.wire_len
    }

    #[inline]
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if offset > MAX_HEADERS.saturating_sub(N) {
            return None;
        }
        self.bytes.get(offset..)?.first_chunk::<N>().copied()
    }

    fn whole(&self) -> Option<Self> {
        None
    }
}
