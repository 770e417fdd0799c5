//! Frames in time: what two stations exchange, as a gateway between (or a mirror of) their networks receives it.
//!
//! The rule of the road is simple: **a frame enters on the leg of the station that sent it, in that station's VLAN**.
//! Its source address is the sender's own; its destination is the peer's when both share a link and else the
//! gateway's on that link. So a request to another VLAN enters on one interface and its reply on the other.

mod tcp;

use std::net::IpAddr;

pub use tcp::{From, Options, Session};

use crate::packet::{Mac, PacketBuilder};

/// A nanosecond count of one microsecond.
pub const US: u64 = 1_000;
/// A nanosecond count of one millisecond.
pub const MS: u64 = 1_000_000;
/// A nanosecond count of one second.
pub const SEC: u64 = 1_000_000_000;
/// A nanosecond count of one minute.
pub const MIN: u64 = 60 * SEC;
/// A nanosecond count of one hour.
pub const HOUR: u64 = 3600 * SEC;
/// A nanosecond count of one day.
pub const DAY: u64 = 24 * HOUR;

/// One received frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds since 1970-01-01 UTC.
    pub at_ns: u64,
    /// The interface of the gateway it entered on: 0 on the IT side, 1 on the OT side.
    pub leg: u8,
    /// From the destination MAC address on, without frame check sequence.
    pub bytes: Vec<u8>,
}

/// One end of a conversation: how frames sent from there look when the gateway receives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Source MAC address: the station's own, or the last router's for stations behind one.
    pub mac: Mac,
    /// Destination MAC address: the peer's on the same link, else the gateway's.
    pub next_hop: Mac,
    /// The station's address.
    pub ip: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
    /// 802.1Q tag the frames carry, if any.
    pub vlan: Option<u16>,
    /// The interface the frames enter on.
    pub leg: u8,
    /// TTL or hop limit on arrival.
    pub ttl: u8,
}

impl Side {
    /// The same end at another port.
    #[must_use]
    pub fn at_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Ethernet, tag and IP header of a frame from here to `peer`, ready for a transport header.
    #[must_use]
    pub fn packet_to(&self, peer: &Side) -> PacketBuilder {
        let link = PacketBuilder::ethernet(self.mac, self.next_hop);
        let link = match self.vlan {
            Some(id) => link.vlan(id),
            None => link,
        };
        link.ip(self.ip, peer.ip).ttl(self.ttl)
    }

    /// A UDP datagram from here to `peer`.
    #[must_use]
    pub fn datagram(&self, peer: &Side, at_ns: u64, payload: &[u8]) -> Frame {
        let bytes = self.packet_to(peer).udp(self.port, peer.port).payload(payload).build_padded();
        Frame { at_ns, leg: self.leg, bytes }
    }
}

/// A UDP request at `at_ns` and its response `delay_ns` later.
#[must_use]
pub fn udp_exchange(
    client: &Side,
    server: &Side,
    at_ns: u64,
    delay_ns: u64,
    request: &[u8],
    response: &[u8],
) -> [Frame; 2] {
    [client.datagram(server, at_ns, request), server.datagram(client, at_ns + delay_ns, response)]
}

/// An ICMP echo request with `sequence` at `at_ns` and its reply `delay_ns` later (IPv4 only: types 8 and 0).
#[must_use]
pub fn ping(client: &Side, server: &Side, at_ns: u64, delay_ns: u64, sequence: u16) -> [Frame; 2] {
    let [high, low] = sequence.to_be_bytes();
    let body: Vec<u8> = (b'a'..=b'w').chain(b'a'..=b'i').collect();
    let frame = |from: &Side, to: &Side, kind, at_ns| Frame {
        at_ns,
        leg: from.leg,
        bytes: from.packet_to(to).icmp(kind, 0, [0, 1, high, low]).payload(&body).build_padded(),
    };
    [frame(client, server, 8, at_ns), frame(server, client, 0, at_ns + delay_ns)]
}
