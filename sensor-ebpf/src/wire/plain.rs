//! What nearly all frames of a plant are, found with as few instructions as can be: TCP or UDP over IPv4 without options
//! or fragments, in one VLAN or none. Whatever else a frame is, or may be, is `None` here and found by [`super::parse`],
//! which says the same of plain ones.

use super::{Headers, ethernet, ipv4};
use crate::flow::{Transport, Words};
use crate::frame::{Frame, Header};

const VLAN: u16 = 0x8100;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// IPv4, and of TCP what is read of it. A UDP packet may be shorter, but not on Ethernet, which pads it.
const READ: usize = ipv4::LEN + 16;
/// All of it behind one tag: one comparison for tagged and untagged frames.
const ALL: usize = 18 + READ;
/// Ethernet pads to 60 bytes. More behind the packet is odd, and may be the first buffer of several.
const PADDING: u64 = 64;

/// The headers of `frame`, received on interface `slot`, where it is plain.
#[inline(always)]
pub fn parse<F: Frame>(frame: &F, slot: u32) -> Option<Headers> {
    let h = frame.header::<ALL>(0)?;
    match h.be16::<12>() {
        ethernet::IPV4 => over_ipv4(frame, h.part::<14, READ>(), 14, Words::place(slot, 0, 0)),
        VLAN if h.be16::<16>() == ethernet::IPV4 => {
            let vid = h.be16::<14>() & ethernet::VID;
            over_ipv4(frame, h.part::<18, READ>(), 18, Words::place(slot, vid, 0))
        }
        _ => None,
    }
}

/// `at` is where the IPv4 header begins.
#[inline(always)]
fn over_ipv4<F: Frame>(frame: &F, h: impl Header<READ>, at: u64, place: u32) -> Option<Headers> {
    let total = u64::from(h.be16::<2>());
    let protocol = h.byte::<9>();
    // The first eight bytes at once: version and length of the header, and nothing of a fragment but "don't". A packet
    // longer than its frame wraps round to more than padding.
    if h.ne64::<0>() & ipv4::PLAIN_MASK != ipv4::PLAIN_WORD
        || frame.first_len().wrapping_sub(total.wrapping_add(at)) >= PADDING
    {
        return None;
    }
    let (transport, header, flags) = match protocol {
        TCP => (Transport::Tcp, u64::from(h.byte::<32>() & 0xf0) >> 2, h.byte::<33>()),
        UDP => (Transport::Udp, 8, 0),
        _ => return None,
    };
    let headers = header.wrapping_add(ipv4::LEN as u64);
    if (protocol == TCP && header < 20) || total < headers {
        return None;
    }
    Some(Headers {
        key: Words::new(Words::v4(h.ne64::<12>()), h.ne32::<20>(), transport, place),
        payload_at: headers.wrapping_add(at) as u32,
        payload_len: total.wrapping_sub(headers) as u32,
        len: total as u32,
        seq: if protocol == TCP { h.ne32::<24>() } else { 0 },
        flags,
        notes: 0,
    })
}
