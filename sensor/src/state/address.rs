//! Addresses of the packet path as addresses of people.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::segment::SiteAddr;

/// The address in the two native words of a flow key.
pub fn ip(words: [u64; 2]) -> IpAddr {
    // Asked for both ends of every record.
    let bytes: [u8; 16] = zerocopy::transmute!(words);
    let v6 = Ipv6Addr::from(bytes);
    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
}

/// Hashes an address with what tells its namesakes apart, in one step for IPv4 instead of one for each field: several tables
/// are asked about every message.
pub(super) fn hash(addr: SiteAddr, more: u16, state: &mut impl Hasher) {
    let more = u32::from(addr.segment.number()) << 16 | u32::from(more);
    match addr.ip {
        IpAddr::V4(v4) => state.write_u64(u64::from(u32::from(v4)) << 32 | u64::from(more)),
        IpAddr::V6(v6) => {
            state.write_u128(v6.into());
            state.write_u32(more);
        }
    }
}

/// The inverse of [`ip`].
pub fn words(ip: impl Into<IpAddr>) -> [u64; 2] {
    let v6 = match ip.into() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v6.octets();
    [u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes([i, j, k, l, m, n, o, p])]
}

/// What a device without IP is called inside: the link-local address it would make of its MAC (modified EUI-64,
/// RFC 4291 appendix A), so that hosts, conversations and models work as with any other. A group MAC becomes a
/// link-local multicast address, made alike: groups are never hosts.
pub fn of_mac(mac: [u8; 6]) -> IpAddr {
    let [a, b, c, d, e, f] = mac;
    let group = a & 1 != 0;
    let (high, first) = if group { (0xff02, a) } else { (0xfe80, a ^ 2) };
    let pair = |x, y| u16::from_be_bytes([x, y]);
    IpAddr::V6(Ipv6Addr::new(high, 0, 0, 0, pair(first, b), pair(c, 0xff), pair(0xfe, d), pair(e, f)))
}

/// The inverse of [`of_mac`]. `None`: the address was not made of a MAC.
pub fn mac_of(ip: impl Into<IpAddr>) -> Option<[u8; 6]> {
    let IpAddr::V6(v6) = ip.into() else { return None };
    match v6.octets() {
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f] if a & 1 == 0 => {
            Some([a ^ 2, b, c, d, e, f])
        }
        [0xff, 0x02, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f] if a & 1 != 0 => {
            Some([a, b, c, d, e, f])
        }
        _ => None,
    }
}

/// The MAC in the words of a link-layer flow's key.
pub fn mac(words: [u64; 2]) -> [u8; 6] {
    let [_, word] = words;
    let [_, _, a, b, c, d, e, f] = word.to_ne_bytes();
    [a, b, c, d, e, f]
}

/// `00:11:22:33:44:55`, as people write it.
pub fn mac_text(mac: impl Into<[u8; 6]>) -> String {
    mac.into().map(|byte| format!("{byte:02x}")).join(":")
}

/// MACs that move between devices by design: VRRP and CARP (RFC 9568 §7.3), HSRP 1 and 2, GLBP, Microsoft NLB.
pub const fn is_virtual(mac: [u8; 6]) -> bool {
    matches!(
        mac,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x07, 0xb4, 0x00, _, _]
            | [0x02 | 0x03, 0xbf, _, _, _, _]
    )
}

/// Whether an address names one host (not a group, not everybody, not nobody).
pub fn is_unicast(ip: impl Into<IpAddr>) -> bool {
    match ip.into() {
        IpAddr::V4(v4) => !(v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_multicast() || v6.is_unspecified()),
    }
}

/// Whether an address means something on its link only (RFC 3927, RFC 4291 §2.5.6).
pub const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// RFC 1918, RFC 6598, RFC 3927, loopback; for IPv6 RFC 4193 and link-local.
pub fn is_private(ip: impl Into<IpAddr>) -> bool {
    match ip.into() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The first 16 bits of an IPv4 address, the first 48 of an IPv6 one: a plant's usual size.
pub fn site_prefix(ip: impl Into<IpAddr>) -> IpAddr {
    match ip.into() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, 0, 0))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// The /24 (IPv6: /48) an external endpoint is known by.
pub fn neighbourhood(ip: impl Into<IpAddr>) -> IpNet {
    let ip = ip.into();
    let bits = if ip.is_ipv4() { 24 } else { 48 };
    IpNet::new(ip, bits).map_or_else(|_| IpNet::from(ip), |net| net.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_through_a_flow_key() {
        for text in ["10.20.0.5", "2001:db8::1", "255.255.255.255", "::"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(ip(words(address)), address);
        }
    }

    #[test]
    fn a_mac_is_found_again_in_the_address_made_of_it() {
        let mac = [0x00, 0x1b, 0x1b, 0x1e, 0x01, 0x02];
        assert_eq!(of_mac(mac).to_string(), "fe80::21b:1bff:fe1e:102");
        assert_eq!(mac_of(of_mac(mac)), Some(mac));
        assert!(is_unicast(of_mac(mac)) && is_private(of_mac(mac)));
        assert_eq!(mac_of("fe80::1".parse::<IpAddr>().unwrap()), None);
    }

    #[test]
    fn group_macs_become_groups() {
        for group in [[0x01, 0x0e, 0xcf, 0, 0, 0], [0x01, 0x0c, 0xcd, 1, 0, 1], [0xff; 6]] {
            assert!(!is_unicast(of_mac(group)), "{group:x?}");
            assert_eq!(mac_of(of_mac(group)), Some(group));
        }
    }
}
