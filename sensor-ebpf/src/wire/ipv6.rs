//! IPv6 (RFC 8200) with an allow-list of extension headers.
//!
//! ```text
//! 0 version 4, class 8, flow 20 | 4 payload length | 6 next header | 7 hop limit | 8 source 16 | 24 destination 16
//! ```

use super::{Note, Packet, Unreadable};
use crate::frame::{Frame, Header};

const LEN: usize = 40;
/// Extension headers walked; the one after them is taken for the transport.
pub const MAX_EXTENSIONS: usize = 4;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

const fn is_extension(protocol: u8) -> bool {
    matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION)
}

#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F, start: usize) -> Result<Packet, Unreadable> {
    let h = frame.header::<LEN>(start).ok_or(Unreadable::Cut)?;
    // Nobody sends from a multicast address (RFC 4291 2.7), and keys of IPv4 begin like one.
    if h.byte::<0>() >> 4 != 6 || h.byte::<8>() == 0xff {
        return Err(Unreadable::Bad);
    }
    let payload = u32::from(h.be16::<4>());
    let on_wire = (frame.wire_len() as u32).saturating_sub(start as u32).saturating_sub(LEN as u32);
    // Zero is a jumbogram or segmentation offload.
    let payload = if payload == 0 { on_wire } else { payload };
    let mut packet = Packet {
        addresses: [h.ne64::<8>(), h.ne64::<16>(), h.ne64::<24>(), h.ne64::<32>()],
        protocol: h.byte::<6>(),
        at: start.wrapping_add(LEN),
        rest: payload,
        len: payload.wrapping_add(LEN as u32),
        notes: if payload > on_wire { Note::SHORT } else { 0 },
    };
    if is_extension(packet.protocol) {
        if !F::READS_ALL {
            return Err(Unreadable::Cut);
        }
        walk(frame, &mut packet)?;
    }
    Ok(packet)
}

/// Moves `packet` past its extension headers.
#[inline(always)]
fn walk<F: Frame>(frame: &F, packet: &mut Packet) -> Result<(), Unreadable> {
    packet.notes |= Note::OPTIONS;
    let before = packet.at;
    for _ in 0..MAX_EXTENSIONS {
        let protocol = packet.protocol;
        if !is_extension(protocol) || packet.notes & Note::LATER_FRAGMENT != 0 {
            break;
        }
        let e = frame.header::<4>(packet.at).ok_or(Unreadable::Cut)?;
        // Units: eight bytes after the first eight; AH (RFC 4302 2.2) four bytes after the first eight; Fragment is fixed.
        let units = if protocol == FRAGMENT { 0 } else { usize::from(e.byte::<1>()) };
        let len =
            if protocol == AUTHENTICATION { units.wrapping_add(2) << 2 } else { units.wrapping_add(1) << 3 };
        if protocol == FRAGMENT {
            let offset = e.be16::<2>();
            if offset & 0xfff8 != 0 {
                packet.notes |= Note::LATER_FRAGMENT;
            } else if offset & 1 != 0 {
                packet.notes |= Note::FIRST_FRAGMENT;
            }
        }
        packet.protocol = e.byte::<0>();
        packet.at = frame.forget(packet.at.wrapping_add(len));
        packet.notes = frame.forget(usize::from(packet.notes)) as u8;
    }
    let walked = packet.at.wrapping_sub(before) as u32;
    if packet.rest < walked {
        return Err(Unreadable::Bad);
    }
    packet.rest = packet.rest.wrapping_sub(walked);
    Ok(())
}
