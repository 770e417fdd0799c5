//! IPv4 (RFC 791).
//!
//! ```text
//! 0 version 4, IHL 4 | 1 DSCP, ECN | 2 total length | 4 id | 6 flags 3, fragment offset 13
//! 8 TTL | 9 protocol | 10 checksum | 12 source | 16 destination | 20 options
//! ```

use super::{Note, Packet, Unreadable};
use crate::frame::Frame;

/// Length without options.
const LEN: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// `a.b.c.d` as `::ffff:a.b.c.d` (RFC 4291 2.5.5.2), in native words of network-order bytes.
#[inline(always)]
pub const fn mapped(address: [u8; 4]) -> [u64; 2] {
    let [a, b, c, d] = address;
    [0, u64::from_ne_bytes([0, 0, 0xff, 0xff, a, b, c, d])]
}

#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F, at: usize) -> Result<Packet, Unreadable> {
    let h: [u8; LEN] = frame.read(at).ok_or(Unreadable::Cut)?;
    let header = usize::from(h[0] & 0x0f) << 2;
    let total = u32::from(u16::from_be_bytes([h[2], h[3]]));
    if h[0] >> 4 != 4 || header < LEN {
        return Err(Unreadable::Bad);
    }
    let on_wire = frame.wire_len().saturating_sub(at as u32);
    // Zero is what segmentation offload leaves there; the frame's own length is then the truth.
    let total = if total == 0 { on_wire } else { total };
    if total < header as u32 {
        return Err(Unreadable::Bad);
    }
    let fragment = u16::from_be_bytes([h[6], h[7]]);
    let mut notes = 0;
    if header > LEN {
        notes |= Note::OPTIONS;
    }
    if fragment & OFFSET_MASK != 0 {
        notes |= Note::LATER_FRAGMENT;
    } else if fragment & MORE_FRAGMENTS != 0 {
        notes |= Note::FIRST_FRAGMENT;
    }
    if total > on_wire {
        notes |= Note::SHORT;
    }
    Ok(Packet {
        src: mapped([h[12], h[13], h[14], h[15]]),
        dst: mapped([h[16], h[17], h[18], h[19]]),
        protocol: h[9],
        at: at.wrapping_add(header),
        rest: total.wrapping_sub(header as u32),
        len: total,
        notes,
    })
}
