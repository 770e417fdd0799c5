//! IPv4 (RFC 791).
//!
//! ```text
//! 0 version 4, IHL 4 | 1 DSCP, ECN | 2 total length | 4 id | 6 flags 3, fragment offset 13
//! 8 TTL | 9 protocol | 10 checksum | 12 source | 16 destination | 20 options
//! ```

use super::{Note, Packet, Unreadable};
use crate::flow::Words;
use crate::frame::{Frame, Header};

/// Length without options.
pub(super) const LEN: usize = 20;
/// Version 4 and that length.
const PLAIN: u8 = 0x45;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// Of the first eight bytes as they stand, those that tell a plain header: version and length, and of the fragment
/// field all but "don't fragment".
pub(super) const PLAIN_MASK: u64 = u64::from_ne_bytes([0xff, 0, 0, 0, 0, 0, 0x3f, 0xff]);
/// What they are then.
pub(super) const PLAIN_WORD: u64 = u64::from_ne_bytes([PLAIN, 0, 0, 0, 0, 0, 0, 0]);

/// `a.b.c.d` as `::ffff:a.b.c.d` (RFC 4291 2.5.5.2), in native words of network-order bytes.
#[inline(always)]
pub const fn mapped(address: [u8; 4]) -> [u64; 2] {
    let [a, b, c, d] = address;
    [0, u64::from_ne_bytes([0, 0, 0xff, 0xff, a, b, c, d])]
}

#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F, at: usize) -> Result<Packet, Unreadable> {
    let h = frame.header::<LEN>(at).ok_or(Unreadable::Cut)?;
    // The frame holds the header, so that it is longer than `at`.
    let on_wire = (frame.wire_len() as u32).wrapping_sub(at as u32);
    let total = u32::from(h.be16::<2>());
    let fragment = h.be16::<6>() & (MORE_FRAGMENTS | OFFSET_MASK);
    let mut packet = Packet {
        addresses: Words::v4(h.ne64::<12>()),
        protocol: h.byte::<9>(),
        at: at.wrapping_add(LEN),
        rest: total.wrapping_sub(LEN as u32),
        len: total,
        notes: 0,
    };
    // A total below a header's length wraps round and is not shorter than the frame either.
    let plain = h.byte::<0>() == PLAIN && fragment == 0 && packet.rest <= on_wire.wrapping_sub(LEN as u32);
    if plain {
        return Ok(packet);
    }
    if !F::READS_ALL {
        return Err(Unreadable::Cut);
    }
    let header = usize::from(h.byte::<0>() & 0x0f) << 2;
    if h.byte::<0>() >> 4 != 4 || header < LEN {
        return Err(Unreadable::Bad);
    }
    // Zero is what segmentation offload leaves there; the frame's own length is then the truth.
    packet.len = if total == 0 { on_wire } else { total };
    if packet.len < header as u32 {
        return Err(Unreadable::Bad);
    }
    if header > LEN {
        packet.notes |= Note::OPTIONS;
    }
    if fragment & OFFSET_MASK != 0 {
        packet.notes |= Note::LATER_FRAGMENT;
    } else if fragment != 0 {
        packet.notes |= Note::FIRST_FRAGMENT;
    }
    if packet.len > on_wire {
        packet.notes |= Note::SHORT;
    }
    packet.at = at.wrapping_add(header);
    packet.rest = packet.len.wrapping_sub(header as u32);
    Ok(packet)
}
