//! Ethernet II (IEEE 802.3) with up to two tags (802.1Q, 802.1ad).
//!
//! ```text
//! 0      6      12    14
//! | dst  | src  | type |  tag: | TPID 2 | PCP 3, DEI 1, VID 12 | …
//! ```

use super::Unreadable;
use crate::frame::{Frame, Header};

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// VLAN identifier in a tag; priority and eligibility stand above.
pub(super) const VID: u16 = 0x0fff;
/// Below this the field is a length (802.3 with LLC); such frames count as EtherType 0.
const FIRST_TYPE: u16 = 0x0600;

pub(super) struct Link<F: Frame> {
    header: F::Header<14>,
    /// Of the payload.
    pub ethertype: u16,
    /// VLAN ids, zero for none and for priority tags (802.1Q: VID 0 means no VLAN).
    pub outer: u16,
    pub inner: u16,
    /// Where the payload begins.
    pub at: usize,
}

impl<F: Frame> Link<F> {
    /// Source MAC as a native word, in the last six bytes of it.
    #[inline(always)]
    pub fn src(&self) -> u64 {
        last_six(self.header.ne64::<6>())
    }

    /// Destination MAC, likewise.
    #[inline(always)]
    pub fn dst(&self) -> u64 {
        last_six(self.header.ne64::<0>())
    }

    /// The EtherType as it is accounted.
    #[inline(always)]
    pub fn kind(&self) -> u16 {
        if self.ethertype < FIRST_TYPE { 0 } else { self.ethertype }
    }
}

/// The first six bytes of a word moved to its end, where in a mapped address those of IPv4 stand.
#[inline(always)]
const fn last_six(word: u64) -> u64 {
    if cfg!(target_endian = "little") { word << 16 } else { word >> 16 }
}

const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8 | 0x9100)
}

/// Two tags are read; a third stays the frame's EtherType.
#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F) -> Result<Link<F>, Unreadable> {
    let header = frame.header::<14>(0).ok_or(Unreadable::Cut)?;
    let mut link = Link { header, ethertype: header.be16::<12>(), outer: 0, inner: 0, at: 14 };
    // Most frames are told by one comparison.
    if link.ethertype != IPV4 && is_tag(link.ethertype) {
        let tag = frame.header::<4>(14).ok_or(Unreadable::Cut)?;
        (link.outer, link.ethertype, link.at) = (tag.be16::<0>() & VID, tag.be16::<2>(), 18);
        if link.ethertype != IPV4 && is_tag(link.ethertype) {
            let tag = frame.header::<4>(18).ok_or(Unreadable::Cut)?;
            (link.inner, link.ethertype, link.at) = (tag.be16::<0>() & VID, tag.be16::<2>(), 22);
            // A priority tag alone names no VLAN; behind one, the inner tag does.
            if link.outer == 0 {
                (link.outer, link.inner) = (link.inner, 0);
            }
        }
    }
    Ok(link)
}
