//! Headers of one frame: from the first byte to the transport payload.
//!
//! Views are arrays of exactly one fixed header, taken at once; every offset is bounded by [`crate::frame::MAX_HEADERS`].
//! What cannot be read is said, never guessed.

pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod transport;

use crate::flow::{FlowKey, Transport};
use crate::frame::Frame;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Who to whom.
    pub key: FlowKey,
    /// Where the payload begins.
    pub payload_at: u32,
    /// Payload bytes above the transport header, by the header's own lengths.
    pub payload_len: u32,
    /// Bytes at the IP layer; for frames without IP the frame's length.
    pub len: u32,
    /// TCP flags.
    pub flags: u8,
    /// [`Note`] bits.
    pub notes: u8,
}

/// What stands under the EtherType.
pub(crate) struct Packet {
    pub src: [u64; 2],
    pub dst: [u64; 2],
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
    let place = FlowKey::place(slot, link.outer, link.inner);
    let packet = match link.ethertype {
        ethernet::IPV4 => ipv4::parse(frame, link.at)?,
        ethernet::IPV6 => ipv6::parse(frame, link.at)?,
        other => {
            let len = frame.wire_len();
            // What tells streams of one pair of MACs apart stands first in every industrial EtherType: PROFINET's FrameID,
            // the APPID of GOOSE and SV. So cyclic data do not use up the budget of the commands beside them.
            let stream: [u8; 2] = frame.read(link.at).unwrap_or_default();
            return Ok(Headers {
                key: FlowKey {
                    src: [0, link.src],
                    dst: [0, link.dst],
                    sport: u16::from_be_bytes(stream),
                    dport: other,
                    place: place | Transport::Ethernet.place(),
                },
                payload_at: link.at as u32,
                payload_len: len.saturating_sub(link.at as u32),
                len,
                flags: 0,
                notes: 0,
            });
        }
    };
    let segment = transport::parse(frame, &packet)?;
    Ok(Headers {
        key: FlowKey {
            src: packet.src,
            dst: packet.dst,
            sport: segment.sport,
            dport: segment.dport,
            place: place | segment.transport.place(),
        },
        payload_at: segment.at as u32,
        payload_len: segment.len,
        len: packet.len,
        flags: segment.flags,
        notes: packet.notes,
    })
}
