//! One frame, built layer by layer, outermost first.
//!
//! ```
//! use isthmus_tests::packet::{Mac, PacketBuilder, tcp};
//! let syn = PacketBuilder::ethernet(Mac::from_oui(0xdca632, 1), Mac::BROADCAST)
//!     .vlan(20)
//!     .ipv4([10, 20, 0, 5], [10, 20, 1, 11])
//!     .tcp(49152, 102)
//!     .flags(tcp::SYN)
//!     .build();
//! assert_eq!(syn.len(), 14 + 4 + 20 + 20);
//! ```
//!
//! A setter changes the layer added last and panics when that is of another kind: a test that says something
//! impossible should stop where it says so. Lengths, next-protocol fields and checksums are computed in
//! [`PacketBuilder::build`].

mod checksum;
mod layer;
mod mac;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use layer::{Ipv4, Ipv6, Layer, Tcp};
pub use mac::Mac;

/// TCP flag bits (RFC 9293 §3.1).
pub mod tcp {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push to the application.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// ARP operation "request" (RFC 826).
pub const ARP_REQUEST: u16 = 1;
/// ARP operation "reply" (RFC 826).
pub const ARP_REPLY: u16 = 2;
/// EtherType of a customer tag (IEEE 802.1Q).
pub const TPID_8021Q: u16 = 0x8100;
/// EtherType of a service tag (IEEE 802.1ad).
pub const TPID_8021AD: u16 = 0x88a8;

/// A frame in the making. See the [module](self) for the rules.
#[derive(Clone, Debug)]
pub struct PacketBuilder {
    layers: Vec<Layer>,
}

impl PacketBuilder {
    /// Starts with an Ethernet II header; the EtherType follows from the next layer.
    #[must_use]
    pub fn ethernet(src: Mac, dst: Mac) -> Self {
        Self { layers: vec![Layer::Ethernet { src, dst, ethertype: None }] }
    }

    /// Starts without a link layer, at the IP header.
    #[must_use]
    pub fn bare() -> Self {
        Self { layers: Vec::new() }
    }

    fn push(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Overrides the EtherType of the Ethernet header, for protocols the builder does not know.
    #[must_use]
    pub fn ethertype(mut self, value: u16) -> Self {
        match self.layers.last_mut() {
            Some(Layer::Ethernet { ethertype, .. }) => *ethertype = Some(value),
            other => panic!("ethertype() after {other:?}, not after ethernet()"),
        }
        self
    }

    /// Adds an 802.1Q tag with VLAN `id` (12 bits) and priority 0.
    #[must_use]
    pub fn vlan(self, id: u16) -> Self {
        self.tag(TPID_8021Q, id & 0x0fff)
    }

    /// Adds a tag with its TPID and the whole tag control information (PCP 3 bits, DEI 1, VLAN 12).
    #[must_use]
    pub fn tag(self, tpid: u16, tci: u16) -> Self {
        self.push(Layer::Tag { tpid, tci })
    }

    /// Adds an ARP message for IPv4 over Ethernet (RFC 826).
    #[must_use]
    pub fn arp(self, operation: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Self {
        self.push(Layer::Arp { operation, sender, target })
    }

    /// Adds an IPv4 header: TTL 64, don't-fragment, identification 0.
    #[must_use]
    pub fn ipv4(self, src: impl Into<Ipv4Addr>, dst: impl Into<Ipv4Addr>) -> Self {
        self.push(Layer::Ipv4(Ipv4 {
            src: src.into(),
            dst: dst.into(),
            ttl: 64,
            tos: 0,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            offset: 0,
            options: Vec::new(),
            protocol: None,
        }))
    }

    /// Adds an IPv6 header: hop limit 64, no flow label.
    #[must_use]
    pub fn ipv6(self, src: impl Into<Ipv6Addr>, dst: impl Into<Ipv6Addr>) -> Self {
        self.push(Layer::Ipv6(Ipv6 { src: src.into(), dst: dst.into(), hop_limit: 64, next: None }))
    }

    /// Adds an IPv4 or IPv6 header, after the family of the addresses, which must be the same.
    #[must_use]
    pub fn ip(self, src: IpAddr, dst: IpAddr) -> Self {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => self.ipv4(src, dst),
            (IpAddr::V6(src), IpAddr::V6(dst)) => self.ipv6(src, dst),
            _ => panic!("a packet from {src} to {dst} mixes IPv4 and IPv6"),
        }
    }

    fn v4(&mut self, what: &str) -> &mut Ipv4 {
        match self.layers.last_mut() {
            Some(Layer::Ipv4(ip)) => ip,
            other => panic!("{what}() after {other:?}, not after ipv4()"),
        }
    }

    /// Sets the TTL or hop limit of the IP header added last.
    #[must_use]
    pub fn ttl(mut self, value: u8) -> Self {
        match self.layers.last_mut() {
            Some(Layer::Ipv4(ip)) => ip.ttl = value,
            Some(Layer::Ipv6(ip)) => ip.hop_limit = value,
            other => panic!("ttl() after {other:?}, not after an IP header"),
        }
        self
    }

    /// Sets the IPv4 identification.
    #[must_use]
    pub fn identification(mut self, id: u16) -> Self {
        self.v4("identification").id = id;
        self
    }

    /// Sets raw IPv4 options (RFC 791); the length must be a multiple of 4, at most 40 bytes.
    #[must_use]
    pub fn ip_options(mut self, options: &[u8]) -> Self {
        self.v4("ip_options").options = options.to_vec();
        self
    }

    /// Makes the IPv4 packet a fragment: `offset` in bytes (a multiple of 8), `more` unless it is the last one.
    #[must_use]
    pub fn fragment(mut self, id: u16, offset: u16, more: bool) -> Self {
        assert!(offset.is_multiple_of(8), "fragment offset {offset} is no multiple of 8");
        let ip = self.v4("fragment");
        (ip.id, ip.offset, ip.more_fragments, ip.dont_fragment) = (id, offset, more, false);
        self
    }

    /// Overrides the protocol (IPv4) or next header (IPv6), as for later fragments, whose body is raw.
    #[must_use]
    pub fn protocol(mut self, value: u8) -> Self {
        match self.layers.last_mut() {
            Some(Layer::Ipv4(ip)) => ip.protocol = Some(value),
            Some(Layer::Ipv6(ip)) => ip.next = Some(value),
            other => panic!("protocol() after {other:?}, not after an IP header"),
        }
        self
    }

    /// Adds an IPv6 extension header of the given protocol number (0 hop-by-hop, 43 routing, 44 fragment,
    /// 60 destination options …); `bytes` is the whole header, of which the first byte is overwritten.
    #[must_use]
    pub fn extension(self, protocol: u8, bytes: &[u8]) -> Self {
        assert!(bytes.len() >= 8, "an extension header has 8 bytes or more, not {}", bytes.len());
        self.push(Layer::Extension { protocol, bytes: bytes.to_vec() })
    }

    /// Adds a TCP header: no flags, window 64240, no options.
    #[must_use]
    pub fn tcp(self, src: u16, dst: u16) -> Self {
        self.push(Layer::Tcp(Tcp { src, dst, seq: 0, ack: 0, flags: 0, window: 64240, options: Vec::new() }))
    }

    fn tcp_layer(&mut self, what: &str) -> &mut Tcp {
        match self.layers.last_mut() {
            Some(Layer::Tcp(tcp)) => tcp,
            other => panic!("{what}() after {other:?}, not after tcp()"),
        }
    }

    /// Sets the TCP flags, from [`tcp`].
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.tcp_layer("flags").flags = flags;
        self
    }

    /// Sets the TCP sequence number.
    #[must_use]
    pub fn seq(mut self, seq: u32) -> Self {
        self.tcp_layer("seq").seq = seq;
        self
    }

    /// Sets the TCP acknowledgement number (and not the flag).
    #[must_use]
    pub fn ack(mut self, ack: u32) -> Self {
        self.tcp_layer("ack").ack = ack;
        self
    }

    /// Sets the TCP window, unscaled.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.tcp_layer("window").window = window;
        self
    }

    /// Sets raw TCP options; the length must be a multiple of 4, at most 40 bytes.
    #[must_use]
    pub fn tcp_options(mut self, options: &[u8]) -> Self {
        self.tcp_layer("tcp_options").options = options.to_vec();
        self
    }

    /// Adds a UDP header.
    #[must_use]
    pub fn udp(self, src: u16, dst: u16) -> Self {
        self.push(Layer::Udp { src, dst })
    }

    /// Adds an ICMP header, or ICMPv6 when the IP header is IPv6; `rest` are its bytes 4 to 8.
    #[must_use]
    pub fn icmp(self, kind: u8, code: u8, rest: [u8; 4]) -> Self {
        self.push(Layer::Icmp { kind, code, rest })
    }

    /// Adds the bytes the last header carries.
    #[must_use]
    pub fn payload(self, bytes: &[u8]) -> Self {
        self.push(Layer::Raw(bytes.to_vec()))
    }

    /// The finished bytes, not padded to the Ethernet minimum.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (at, layer) in self.layers.iter().enumerate().rev() {
            let ends = self.layers[..at].iter().rev().find_map(|outer| match outer {
                Layer::Ipv4(ip) => Some((ip.src.into(), ip.dst.into())),
                Layer::Ipv6(ip) => Some((ip.src.into(), ip.dst.into())),
                _ => None,
            });
            let over_v6 = match layer {
                Layer::Ipv6(_) => true,
                _ => matches!(ends, Some((IpAddr::V6(_), _))),
            };
            let inner = self.layers.get(at + 1).map(|next| next.announced(over_v6));
            body = layer.wrap(inner, ends, body);
        }
        body
    }

    /// The finished frame, padded with zeros to the 60 bytes (without check sequence) a station sends at least.
    #[must_use]
    pub fn build_padded(&self) -> Vec<u8> {
        let mut bytes = self.build();
        bytes.resize(bytes.len().max(60), 0);
        bytes
    }
}

#[cfg(test)]
mod tests;
