//! Who sends to whom: as records carry it ([`FlowKey`]), and as the cache holds it ([`Words`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::policy::Endpoint;
use crate::wire::ipv4::mapped;

/// What carries the payload; three bits of [`FlowKey::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Transport {
    /// An IP protocol without ports; its number stands as destination port.
    Other = 0,
    /// TCP.
    Tcp = 1,
    /// UDP.
    Udp = 2,
    /// ICMP; type and code stand as destination port.
    Icmp = 3,
    /// ICMPv6; likewise.
    Icmpv6 = 4,
    /// No IP: MACs for addresses, the EtherType as destination port, the payload's first two bytes as source port.
    Ethernet = 5,
}

impl Transport {
    #[inline(always)]
    const fn of(place: u32) -> Self {
        match place >> 28 & 7 {
            1 => Self::Tcp,
            2 => Self::Udp,
            3 => Self::Icmp,
            4 => Self::Icmpv6,
            5 => Self::Ethernet,
            _ => Self::Other,
        }
    }
}

/// One direction of a conversation. 40 bytes, compared by words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FlowKey {
    /// Source address: IPv6, v4-mapped, or a MAC in the last six bytes. Native words of network-order bytes.
    pub src: [u64; 2],
    /// Destination address.
    pub dst: [u64; 2],
    /// Source port, or what [`Transport`] says stands there; zero without ports.
    pub sport: u16,
    /// Destination port, or what [`Transport`] says stands there.
    pub dport: u16,
    /// Zero 1 bit, transport 3, interface slot 4, outer VLAN id 12, inner VLAN id 12.
    pub place: u32,
}

impl FlowKey {
    /// What carries the payload.
    #[inline(always)]
    pub const fn transport(&self) -> Transport {
        Transport::of(self.place)
    }

    /// Interface the packet came in on.
    pub const fn slot(&self) -> u8 {
        (self.place >> 24 & 0xf) as u8
    }

    /// VLAN ids, outer first; zero for none.
    pub const fn vlans(&self) -> [u16; 2] {
        [(self.place >> 12 & 0xfff) as u16, (self.place & 0xfff) as u16]
    }
}

/// A [`FlowKey`] as the cache holds, hashes and compares it. Four words of addresses, then ports 32 bits as they stand
/// in a packet, and place 32. Addresses of IPv4 are [`V4`], two zeros, and both in one word as they stand in a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words(pub(super) [u64; 5]);

/// First word of all keys of IPv4 and of no other: an IPv6 source that begins so would be a multicast address, which
/// nobody sends from (RFC 4291 2.7), and [`crate::wire::ipv6`] refuses it.
const V4: u64 = u64::from_ne_bytes([0xff, 0xff, 0, 0, 0, 0, 0, 0]);
/// Set in every key's place and in no [`FlowKey`]'s: a place in the cache whose last word is zero is empty.
const TAKEN: u32 = 1 << 31;

/// A port, or what stands there, as destination port in a packet without a source port.
#[inline(always)]
pub(crate) const fn one_port(port: u16) -> u32 {
    let [high, low] = port.to_be_bytes();
    u32::from_ne_bytes([0, 0, high, low])
}

impl Words {
    /// Of address words (see [`Words::v4`]), ports as they stand in a packet, transport, and place.
    #[inline(always)]
    pub(crate) const fn new(addresses: [u64; 4], ports: u32, transport: Transport, place: u32) -> Self {
        let [a, b, c, d] = addresses;
        let transport = (transport as u32) << 28 | TAKEN;
        Self([a, b, c, d, (ports as u64) << 32 | (transport | place) as u64])
    }

    /// Address words of IPv4, from source and destination as they stand in a packet.
    #[inline(always)]
    pub(crate) const fn v4(addresses: u64) -> [u64; 4] {
        [V4, 0, 0, addresses]
    }

    #[inline(always)]
    pub(crate) const fn place(slot: u32, outer: u16, inner: u16) -> u32 {
        (slot & 0xf) << 24 | ((outer & 0xfff) as u32) << 12 | (inner & 0xfff) as u32
    }

    /// Whether both are the same, word by word: a derived `==` on arrays took half as long again.
    #[inline(always)]
    pub(super) fn is(&self, other: &Self) -> bool {
        let ([a, b, c, d, e], [p, q, r, s, t]) = (self.0, other.0);
        // What differs most between flows first. Where one is known to be of IPv4, two comparisons are left out.
        e == t && d == s && a == p && (a == V4 || (b == q && c == r))
    }

    /// What is hashed: the first word is zero for IPv4.
    #[inline(always)]
    pub(super) const fn hashed(&self) -> [u64; 5] {
        let [a, b, c, d, e] = self.0;
        [a ^ V4, b, c, d, e]
    }

    /// Whether a flow is here at all.
    #[inline(always)]
    pub(super) const fn is_taken(&self) -> bool {
        self.0[4] as u32 & TAKEN != 0
    }

    /// Source address, v4-mapped where IPv4.
    #[inline(always)]
    pub(crate) const fn src(&self) -> [u64; 2] {
        let [a, b, _, d, _] = self.0;
        if a == V4 {
            let [a, b, c, d, ..] = d.to_ne_bytes();
            return mapped([a, b, c, d]);
        }
        [a, b]
    }

    /// Destination address, likewise.
    #[inline(always)]
    pub(super) const fn dst(&self) -> [u64; 2] {
        let [a, _, c, d, _] = self.0;
        if a == V4 {
            let [.., a, b, c, d] = d.to_ne_bytes();
            return mapped([a, b, c, d]);
        }
        [c, d]
    }

    #[inline(always)]
    const fn ports(&self) -> [u8; 4] {
        ((self.0[4] >> 32) as u32).to_ne_bytes()
    }

    #[inline(always)]
    pub(super) const fn sport(&self) -> u16 {
        let [high, low, ..] = self.ports();
        u16::from_be_bytes([high, low])
    }

    #[inline(always)]
    pub(super) const fn dport(&self) -> u16 {
        let [.., high, low] = self.ports();
        u16::from_be_bytes([high, low])
    }

    #[inline(always)]
    pub(super) const fn transport(&self) -> Transport {
        Transport::of(self.0[4] as u32)
    }

    #[inline(always)]
    pub(super) const fn source(&self) -> Endpoint {
        let transport = self.transport() as u8;
        Endpoint { address: self.src(), port: self.sport(), transport, zero: [0; 5] }
    }

    #[inline(always)]
    pub(super) const fn destination(&self) -> Endpoint {
        let transport = self.transport() as u8;
        Endpoint { address: self.dst(), port: self.dport(), transport, zero: [0; 5] }
    }

    /// The key's fields, written where they stand.
    #[inline(always)]
    pub const fn write(&self, key: &mut FlowKey) {
        key.src = self.src();
        key.dst = self.dst();
        key.sport = self.sport();
        key.dport = self.dport();
        key.place = self.0[4] as u32 & !TAKEN;
    }

    /// Each word made another.
    #[inline(always)]
    pub(crate) fn map(self, make: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(words: Words) -> FlowKey {
        let mut key = FlowKey::default();
        words.write(&mut key);
        key
    }

    #[test]
    fn a_key_comes_out_of_its_words_as_it_went_in() {
        let ports = u32::from_ne_bytes([0x9c, 0x40, 0x01, 0xf6]);
        let addresses = u64::from_ne_bytes([10, 0, 0, 1, 192, 168, 7, 9]);
        let place = Words::place(15, 4094, 7);
        let v4 = Words::new(Words::v4(addresses), ports, Transport::Tcp, place);
        let expected = FlowKey {
            src: mapped([10, 0, 0, 1]),
            dst: mapped([192, 168, 7, 9]),
            sport: 40_000,
            dport: 502,
            place: place | 1 << 28,
        };
        assert_eq!(key(v4), expected);
        assert_eq!(
            (expected.transport(), expected.slot(), expected.vlans()),
            (Transport::Tcp, 15, [4094, 7])
        );
        let v6 = Words::new([1, 2, 3, 4], one_port(0x8100), Transport::Ethernet, 0);
        let expected = FlowKey { src: [1, 2], dst: [3, 4], sport: 0, dport: 0x8100, place: 5 << 28 };
        assert_eq!(key(v6), expected);
    }

    #[test]
    fn keys_that_differ_in_any_word_are_not_the_same() {
        for addresses in [[1, 2, 3, 4], Words::v4(4)] {
            let words = Words::new(addresses, 5, Transport::Udp, 0);
            assert!(words.is(&words) && words.is_taken());
            for at in 0..5 {
                let mut other = words;
                other.0[at] ^= 1 << 40;
                // An IPv4 key has nothing but zeros in these two.
                assert_eq!(words.is(&other), addresses == Words::v4(4) && (at == 1 || at == 2), "{at}");
            }
        }
        assert!(!Words::default().is_taken());
    }
}
