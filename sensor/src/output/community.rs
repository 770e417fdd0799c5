//! Community ID flow hashing, version 1, seed 0 (github.com/corelight/community-id-spec).

use std::net::IpAddr;

use sensor_ebpf::flow::Transport;
use sha1::{Digest as _, Sha1};

use crate::state::connection::Connection;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// The id of a connection. `None` where the specification's inputs are not known: no IP, or another protocol.
pub fn id(connection: &Connection) -> Option<String> {
    let (client, server) = (connection.client, connection.server);
    let protocol = match connection.transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
        Transport::Icmp | Transport::Icmpv6 => {
            // Type and code stand where the packet's destination port would; replies are connections of their own.
            let [kind, code] = server.port.to_be_bytes();
            let protocol = if connection.transport == Transport::Icmp { ICMP } else { ICMPV6 };
            return Some(of_message(protocol, (client.ip.ip, kind), (server.ip.ip, code)));
        }
        Transport::Ethernet | Transport::Other => return None,
    };
    Some(of_flow(protocol, (client.ip.ip, client.port), (server.ip.ip, server.port)))
}

/// The id of a flow between ports; `transport` is `tcp` or `udp`, anything else has none here.
pub fn of_ports(transport: &str, a: (IpAddr, u16), b: (IpAddr, u16)) -> Option<String> {
    match transport {
        "tcp" => Some(of_flow(TCP, a, b)),
        "udp" => Some(of_flow(UDP, a, b)),
        _ => None,
    }
}

/// An ICMP message of type `from.1` and code `to.1`: types that answer each other count as each other's ports.
fn of_message(protocol: u8, from: (IpAddr, u8), to: (IpAddr, u8)) -> String {
    let (kind, code) = (from.1, to.1);
    match counterpart(protocol, kind) {
        Some(other) => of_flow(protocol, (from.0, u16::from(kind)), (to.0, u16::from(other))),
        // Nobody answers it: its direction is part of the id, and nothing is exchanged.
        None => hash(protocol, (from.0, u16::from(kind)), (to.0, u16::from(code))),
    }
}

/// The type that answers a type, both ways (the specification's tables for ICMP and ICMPv6).
const fn counterpart(protocol: u8, kind: u8) -> Option<u8> {
    Some(match (protocol, kind) {
        (ICMP, 0) => 8,
        (ICMP, 8) => 0,
        (ICMP, 9) => 10,
        (ICMP, 10) => 9,
        (ICMP, 13) => 14,
        (ICMP, 14) => 13,
        (ICMP, 15) => 16,
        (ICMP, 16) => 15,
        (ICMP, 17) => 18,
        (ICMP, 18) => 17,
        (ICMPV6, 128) => 129,
        (ICMPV6, 129) => 128,
        (ICMPV6, 130) => 131,
        (ICMPV6, 131) => 130,
        (ICMPV6, 133) => 134,
        (ICMPV6, 134) => 133,
        (ICMPV6, 135) => 136,
        (ICMPV6, 136) => 135,
        (ICMPV6, 139) => 140,
        (ICMPV6, 140) => 139,
        (ICMPV6, 144) => 145,
        (ICMPV6, 145) => 144,
        _ => return None,
    })
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Both directions have one id: the end with the smaller address and port goes first.
fn of_flow(protocol: u8, a: (IpAddr, u16), b: (IpAddr, u16)) -> String {
    let (low, high) = if (octets(a.0), a.1) <= (octets(b.0), b.1) { (a, b) } else { (b, a) };
    hash(protocol, low, high)
}

/// `1:` and the base64 of SHA-1 over seed, addresses, protocol, padding and ports.
fn hash(protocol: u8, a: (IpAddr, u16), b: (IpAddr, u16)) -> String {
    let digest = Sha1::new()
        .chain_update([0_u8, 0])
        .chain_update(octets(a.0))
        .chain_update(octets(b.0))
        .chain_update([protocol, 0])
        .chain_update(a.1.to_be_bytes())
        .chain_update(b.1.to_be_bytes())
        .finalize();
    format!("1:{}", base64(&digest))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().chain([0, 0].iter()).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for digit in 0..4_usize {
            let value = (bits >> 18_usize.saturating_sub(digit.saturating_mul(6))) & 63;
            let shown = digit <= chunk.len();
            text.push(if shown { DIGITS.get(value as usize).copied().map_or('=', char::from) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's baseline for seed 0: protocol, source, destination, their ports or ICMP type and code.
    const BASELINE: &[(u8, &str, &str, u16, u16, &str)] = &[
        (
            58,
            "fe80::200:86ff:fe05:80da",
            "fe80::260:97ff:fe07:69ea",
            135,
            0,
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        ),
        (
            58,
            "fe80::260:97ff:fe07:69ea",
            "fe80::200:86ff:fe05:80da",
            136,
            0,
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        ),
        (
            58,
            "fe80::260:97ff:fe07:69ea",
            "fe80::200:86ff:fe05:80da",
            135,
            0,
            "1:zavyT/cezQr1fmImYCwYnMXbgck=",
        ),
        (
            58,
            "fe80::200:86ff:fe05:80da",
            "fe80::260:97ff:fe07:69ea",
            136,
            0,
            "1:zavyT/cezQr1fmImYCwYnMXbgck=",
        ),
        (
            58,
            "3ffe:501:1800:2345::2",
            "3ffe:507:0:1:200:86ff:fe05:80da",
            3,
            0,
            "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=",
        ),
        (
            58,
            "3ffe:501:410:0:2c0:dfff:fe47:33e",
            "3ffe:507:0:1:200:86ff:fe05:80da",
            1,
            4,
            "1:hLZd0XGWojozrvxqE0dWB1iM6R0=",
        ),
        (
            58,
            "3ffe:507:0:1:200:86ff:fe05:80da",
            "3ffe:501:0:1001::2",
            128,
            0,
            "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=",
        ),
        (
            58,
            "3ffe:501:0:1001::2",
            "3ffe:507:0:1:200:86ff:fe05:80da",
            129,
            0,
            "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=",
        ),
        (58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="),
        (58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="),
        (1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
        (
            6,
            "2001:470:e5bf:dead:4957:2174:e82c:4887",
            "2607:f8b0:400c:c03::1a",
            63943,
            25,
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        ),
        (
            6,
            "2607:f8b0:400c:c03::1a",
            "2001:470:e5bf:dead:4957:2174:e82c:4887",
            25,
            63943,
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        ),
        (6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    ];

    #[test]
    fn ids_equal_the_published_ones() {
        for (protocol, from, to, a, b, expected) in BASELINE {
            let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
            let id = match protocol {
                1 | 58 => of_message(*protocol, (from, *a as u8), (to, *b as u8)),
                _ => of_flow(*protocol, (from, *a), (to, *b)),
            };
            assert_eq!(&id, expected, "{protocol} {from} {to} {a} {b}");
        }
    }
}
