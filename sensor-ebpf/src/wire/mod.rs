//! Headers of one frame: from the first byte to the transport payload.
//!
//! One fixed header is asked for at once; every offset is bounded by [`crate::frame::MAX_HEADERS`]. What cannot be read
//! is said, never guessed. Where a frame does not read all shapes ([`Frame::READS_ALL`]), IPv4 with options, in fragments
//! or longer than its frame, and IPv6 with extension headers, are [`Unreadable::Cut`].

pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod plain;
pub mod transport;

use crate::flow::{Transport, Words};
use crate::frame::{Frame, Header as _};

/// Remarks on a packet, a bit each.
pub struct Note;

impl Note {
    /// IPv4 options or IPv6 extension headers.
    pub const OPTIONS: u8 = 1;
    /// The first fragment of several: its payload is cut.
    pub const FIRST_FRAGMENT: u8 = 2;
    /// A later fragment: no ports.
    pub const LATER_FRAGMENT: u8 = 4;
    /// Captured shorter than its own length fields say.
    pub const SHORT: u8 = 8;
}

/// Why a frame has no headers to account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The frame ends before the header does.
    Cut,
    /// A header contradicts itself.
    Bad,
}

/// The headers of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Who to whom.
    pub key: Words,
    /// Where the payload begins.
    pub payload_at: u32,
    /// Payload bytes above the transport header, by the header's own lengths.
    pub payload_len: u32,
    /// Bytes at the IP layer; for frames without IP the frame's length.
    pub len: u32,
    /// TCP sequence number, as it stands in the packet; zero without one.
    pub seq: u32,
    /// TCP flags.
    pub flags: u8,
    /// [`Note`] bits.
    pub notes: u8,
}

impl Headers {
    /// The same, every number passed through `forget`; see [`crate::tables::Tables::forget`].
    #[inline(always)]
    pub(crate) fn map(self, forget: impl Fn(u64) -> u64) -> Self {
        Self {
            key: self.key.map(&forget),
            payload_at: forget(u64::from(self.payload_at)) as u32,
            payload_len: forget(u64::from(self.payload_len)) as u32,
            len: forget(u64::from(self.len)) as u32,
            seq: forget(u64::from(self.seq)) as u32,
            flags: forget(u64::from(self.flags)) as u8,
            notes: forget(u64::from(self.notes)) as u8,
        }
    }
}

/// What stands under the EtherType.
pub(crate) struct Packet {
    /// Address words of a key.
    pub addresses: [u64; 4],
    pub protocol: u8,
    /// Offset of the transport header.
    pub at: usize,
    /// Bytes from there on, by the IP length field.
    pub rest: u32,
    pub len: u32,
    pub notes: u8,
}

/// Finds the headers of `frame`, received on interface `slot`.
///
/// # Errors
/// [`Unreadable`] where a header is cut or contradicts itself.
#[inline(always)]
pub fn parse<F: Frame>(frame: &F, slot: u32) -> Result<Headers, Unreadable> {
    let link = ethernet::parse(frame)?;
    let place = Words::place(slot, link.outer, link.inner);
    let packet = match link.ethertype {
        ethernet::IPV4 => ipv4::parse(frame, link.at)?,
        ethernet::IPV6 => ipv6::parse(frame, link.at)?,
        _ => {
            let len = frame.wire_len() as u32;
            // What tells streams of one pair of MACs apart stands first in every industrial EtherType: PROFINET's FrameID,
            // the APPID of GOOSE and SV. So cyclic data do not use up the budget of the commands beside them.
            let [a, b] = frame.header::<2>(link.at).map_or([0; 2], |h| h.take::<0, 2>());
            let [c, d] = link.kind().to_be_bytes();
            let addresses = [0, link.src(), 0, link.dst()];
            return Ok(Headers {
                key: Words::new(addresses, u32::from_ne_bytes([a, b, c, d]), Transport::Ethernet, place),
                payload_at: link.at as u32,
                payload_len: len.saturating_sub(link.at as u32),
                len,
                seq: 0,
                flags: 0,
                notes: 0,
            });
        }
    };
    let segment = transport::parse(frame, &packet)?;
    Ok(Headers {
        key: Words::new(packet.addresses, segment.ports, segment.transport, place),
        payload_at: segment.at as u32,
        payload_len: segment.len,
        len: packet.len,
        seq: segment.seq,
        flags: segment.flags,
        notes: packet.notes,
    })
}
