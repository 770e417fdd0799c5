//! The layers a packet is stacked from, and how each one writes itself in front of what it carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Mac, checksum};

/// One header (or the payload), in the order outermost first.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    Ethernet {
        src: Mac,
        dst: Mac,
        ethertype: Option<u16>,
    },
    Tag {
        tpid: u16,
        tci: u16,
    },
    Arp {
        operation: u16,
        sender: (Mac, Ipv4Addr),
        target: (Mac, Ipv4Addr),
    },
    Ipv4(Ipv4),
    Ipv6(Ipv6),
    /// An IPv6 extension header: its protocol number and all bytes, of which the first is replaced by "next".
    Extension {
        protocol: u8,
        bytes: Vec<u8>,
    },
    Tcp(Tcp),
    Udp {
        src: u16,
        dst: u16,
    },
    /// ICMP or ICMPv6, after the IP version below it.
    Icmp {
        kind: u8,
        code: u8,
        rest: [u8; 4],
    },
    Raw(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Ipv4 {
    pub src: Ipv4Addr,
    pub dst: Ipv4Addr,
    pub ttl: u8,
    pub tos: u8,
    pub id: u16,
    pub dont_fragment: bool,
    pub more_fragments: bool,
    /// In bytes, a multiple of 8.
    pub offset: u16,
    pub options: Vec<u8>,
    pub protocol: Option<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Ipv6 {
    pub src: Ipv6Addr,
    pub dst: Ipv6Addr,
    pub hop_limit: u8,
    pub next: Option<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Tcp {
    pub src: u16,
    pub dst: u16,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub window: u16,
    pub options: Vec<u8>,
}

/// What an enclosing layer must know of the one inside it.
pub(super) struct Inner {
    pub ethertype: u16,
    pub protocol: u8,
}

impl Layer {
    /// The EtherType and the IP protocol number under which an enclosing header announces this layer.
    pub(super) fn announced(&self, over_v6: bool) -> Inner {
        let (ethertype, protocol) = match self {
            Layer::Tag { tpid, .. } => (*tpid, 0),
            Layer::Arp { .. } => (0x0806, 0),
            Layer::Ipv4(_) => (0x0800, 4),
            Layer::Ipv6(_) => (0x86dd, 41),
            Layer::Extension { protocol, .. } => (0, *protocol),
            Layer::Tcp(_) => (0, 6),
            Layer::Udp { .. } => (0, 17),
            Layer::Icmp { .. } => (0, if over_v6 { 58 } else { 1 }),
            Layer::Ethernet { .. } => (0x6558, 143),
            // RFC 3692 experiment numbers: nobody mistakes them for a protocol.
            Layer::Raw(_) => (0x88b5, 253),
        };
        Inner { ethertype, protocol }
    }

    /// Puts this header in front of `body`; `ends` are the addresses of the nearest enclosing IP header.
    pub(super) fn wrap(
        &self,
        inner: Option<Inner>,
        ends: Option<(IpAddr, IpAddr)>,
        body: Vec<u8>,
    ) -> Vec<u8> {
        let inner = inner.unwrap_or(Inner { ethertype: 0x88b5, protocol: 59 });
        let mut out = Vec::with_capacity(60 + body.len());
        match self {
            Layer::Ethernet { src, dst, ethertype } => {
                out.extend(dst.0);
                out.extend(src.0);
                out.extend(ethertype.unwrap_or(inner.ethertype).to_be_bytes());
            }
            Layer::Tag { tci, .. } => {
                out.extend(tci.to_be_bytes());
                out.extend(inner.ethertype.to_be_bytes());
            }
            Layer::Arp { operation, sender, target } => {
                out.extend([0, 1, 8, 0, 6, 4]);
                out.extend(operation.to_be_bytes());
                for (mac, ip) in [sender, target] {
                    out.extend(mac.0);
                    out.extend(ip.octets());
                }
            }
            Layer::Ipv4(ip) => ip.write(inner.protocol, body.len(), &mut out),
            Layer::Ipv6(ip) => {
                out.extend([0x60, 0, 0, 0]);
                out.extend((body.len() as u16).to_be_bytes());
                out.extend([ip.next.unwrap_or(inner.protocol), ip.hop_limit]);
                out.extend(ip.src.octets());
                out.extend(ip.dst.octets());
            }
            Layer::Extension { bytes, .. } => {
                out.push(inner.protocol);
                out.extend(&bytes[1..]);
            }
            Layer::Tcp(tcp) => tcp.write(&mut out),
            Layer::Udp { src, dst } => {
                out.extend(src.to_be_bytes());
                out.extend(dst.to_be_bytes());
                out.extend(((8 + body.len()) as u16).to_be_bytes());
                out.extend([0, 0]);
            }
            Layer::Icmp { kind, code, rest } => {
                out.extend([*kind, *code, 0, 0]);
                out.extend(rest);
            }
            Layer::Raw(bytes) => out.extend(bytes),
        }
        out.extend(body);
        self.fill_checksum(ends, &mut out);
        out
    }

    fn fill_checksum(&self, ends: Option<(IpAddr, IpAddr)>, out: &mut [u8]) {
        let (at, protocol) = match self {
            Layer::Tcp(_) => (16, 6),
            Layer::Udp { .. } => (6, 17),
            Layer::Icmp { .. } if matches!(ends, Some((IpAddr::V6(_), _))) => (2, 58),
            Layer::Icmp { .. } => {
                let value = checksum::finish(checksum::sum(out));
                out[2..4].copy_from_slice(&value.to_be_bytes());
                return;
            }
            _ => return,
        };
        let Some((src, dst)) = ends else { return };
        let total = checksum::pseudo(src, dst, protocol, out.len()) + checksum::sum(out);
        let value = match checksum::finish(total) {
            // RFC 768: zero on the wire means "no checksum".
            0 if protocol == 17 => 0xffff,
            value => value,
        };
        out[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
}

impl Ipv4 {
    fn write(&self, protocol: u8, body: usize, out: &mut Vec<u8>) {
        let header = 20 + self.options.len();
        assert!(header <= 60 && header.is_multiple_of(4), "IPv4 options of {} bytes", self.options.len());
        out.extend([0x40 | (header / 4) as u8, self.tos]);
        out.extend(((header + body) as u16).to_be_bytes());
        out.extend(self.id.to_be_bytes());
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;
        out.extend((flags | (self.offset / 8)).to_be_bytes());
        out.extend([self.ttl, self.protocol.unwrap_or(protocol), 0, 0]);
        out.extend(self.src.octets());
        out.extend(self.dst.octets());
        out.extend(&self.options);
        let value = checksum::finish(checksum::sum(out));
        out[10..12].copy_from_slice(&value.to_be_bytes());
    }
}

impl Tcp {
    fn write(&self, out: &mut Vec<u8>) {
        let header = 20 + self.options.len();
        assert!(header <= 60 && header.is_multiple_of(4), "TCP options of {} bytes", self.options.len());
        out.extend(self.src.to_be_bytes());
        out.extend(self.dst.to_be_bytes());
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend([((header / 4) << 4) as u8, self.flags]);
        out.extend(self.window.to_be_bytes());
        out.extend([0; 4]);
        out.extend(&self.options);
    }
}
