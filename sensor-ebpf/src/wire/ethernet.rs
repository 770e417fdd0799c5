//! Ethernet II (IEEE 802.3) with up to two tags (802.1Q, 802.1ad).
//!
//! ```text
//! 0      6      12    14
//! | dst  | src  | type |  tag: | TPID 2 | PCP 3, DEI 1, VID 12 | …
//! ```

use super::Unreadable;
use crate::frame::Frame;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// Below this the field is a length (802.3 with LLC); such frames count as EtherType 0.
const FIRST_TYPE: u16 = 0x0600;
/// Tags read; a third stays the frame's EtherType.
const MAX_TAGS: usize = 2;

pub(super) struct Link {
    /// MAC in the low six bytes of network order, as a native word.
    pub src: u64,
    pub dst: u64,
    pub ethertype: u16,
    /// VLAN ids, zero for none and for priority tags (802.1Q: VID 0 means no VLAN).
    pub outer: u16,
    pub inner: u16,
    pub at: usize,
}

const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8 | 0x9100)
}

#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F) -> Result<Link, Unreadable> {
    let h: [u8; 14] = frame.read(0).ok_or(Unreadable::Cut)?;
    let dst = u64::from_ne_bytes([0, 0, h[0], h[1], h[2], h[3], h[4], h[5]]);
    let src = u64::from_ne_bytes([0, 0, h[6], h[7], h[8], h[9], h[10], h[11]]);
    let mut ethertype = u16::from_be_bytes([h[12], h[13]]);
    let mut at = 14_usize;
    let mut vids = [0_u16; MAX_TAGS];
    for vid in &mut vids {
        if !is_tag(ethertype) {
            break;
        }
        let tag: [u8; 4] = frame.read(at).ok_or(Unreadable::Cut)?;
        *vid = u16::from_be_bytes([tag[0], tag[1]]) & 0x0fff;
        ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        at = at.wrapping_add(4);
    }
    // A priority tag alone names no VLAN; behind one, the inner tag does.
    let [outer, inner] = match vids {
        [0, inner] => [inner, 0],
        both => both,
    };
    if ethertype < FIRST_TYPE {
        ethertype = 0;
    }
    Ok(Link { src, dst, ethertype, outer, inner, at })
}
