//! Addresses of the packet path as addresses of people.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address in the two native words of a flow key.
pub fn ip(words: [u64; 2]) -> IpAddr {
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(words.iter().flat_map(|w| w.to_ne_bytes())) {
        *to = from;
    }
    let v6 = Ipv6Addr::from(bytes);
    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
}

/// The inverse of [`ip`].
pub fn words(ip: IpAddr) -> [u64; 2] {
    let v6 = match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v6.octets();
    [u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes([i, j, k, l, m, n, o, p])]
}

/// Whether an address names one host (not a group, not everybody, not nobody).
pub fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !(v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_multicast() || v6.is_unspecified()),
    }
}

/// RFC 1918, RFC 6598, RFC 3927, loopback; for IPv6 RFC 4193 and link-local.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The first 16 bits of an IPv4 address, the first 48 of an IPv6 one: a plant's usual size.
pub fn site_prefix(ip: IpAddr) -> IpAddr {
    match ip {
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

/// The /24 (IPv6: /48) an external endpoint is known by where it has no name.
pub fn neighbourhood(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(_) => site_prefix(ip),
    }
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
}
