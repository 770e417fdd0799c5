//! The datagram layer of version 3, alike on UDP and inside the block driver's frames on TCP.
//!
//! ```text
//!  0    1      2      3         4    5       6            2 n
//! +----+------+------+---------+----+-------+---- … -----+----------+--------+-----+--------
//! | C5 | hops | kind | service | id | sizes | broadcast? | receiver | sender | pad | payload
//! +----+------+------+---------+----+-------+---- … -----+----------+--------+-----+--------
//!       low 3 bits: n, the header in words    high 4 bits: sender in words, low: receiver        pad to 4
//! ```

use crate::protocol::bytes::Bytes as _;

/// A packet's first byte.
pub(super) const MAGIC: u8 = 0xc5;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Routers find their parents.
    Address { answers: bool },
    /// Nodes find each other.
    Name { answers: bool },
    /// Everything else.
    Channel,
}

/// The service of a packet and what it carries. `None`: no packet.
pub(super) fn read(packet: &[u8]) -> Option<(Service, &[u8])> {
    if packet.u8_at(0)? != MAGIC {
        return None;
    }
    let words = usize::from(packet.u8_at(1)? & 7);
    let service = match packet.u8_at(3)? {
        1 => Service::Address { answers: false },
        2 => Service::Address { answers: true },
        3 => Service::Name { answers: false },
        4 => Service::Name { answers: true },
        0x40 => Service::Channel,
        _ => return None,
    };
    let sizes = packet.u8_at(5)?;
    // Six bytes at least, eight with a broadcast's number.
    if !(3..=4).contains(&words) {
        return None;
    }
    let addresses = usize::from(sizes >> 4).saturating_add(usize::from(sizes & 15));
    let payload_at = words.saturating_add(addresses).saturating_mul(2).next_multiple_of(4);
    Some((service, packet.get(payload_at..)?))
}
