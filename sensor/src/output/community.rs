//! Community ID flow hashing, version 1, seed 0 (github.com/corelight/community-id-spec).

use std::net::IpAddr;

use sha1::{Digest as _, Sha1};

use crate::state::connection::Connection;
use sensor_ebpf::flow::Transport;

/// `1:` and the base64 of SHA-1 over seed, addresses, protocol, padding and ports, the smaller end first. `None` for
/// what has no ports.
pub fn id(connection: &Connection) -> Option<String> {
    let protocol = match connection.transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        _ => return None,
    };
    Some(of(
        protocol,
        (connection.client.ip, connection.client.port),
        (connection.server.ip, connection.server.port),
    ))
}

fn of(protocol: u8, a: (IpAddr, u16), b: (IpAddr, u16)) -> String {
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let ends = [(octets(a.0), a.1), (octets(b.0), b.1)];
    let [x, y] = &ends;
    let (low, high) = if x <= y { (x, y) } else { (y, x) };
    let mut hash = Sha1::new();
    hash.update([0_u8, 0]);
    hash.update(&low.0);
    hash.update(&high.0);
    hash.update([protocol, 0]);
    hash.update(low.1.to_be_bytes());
    hash.update(high.1.to_be_bytes());
    format!("1:{}", base64(&hash.finalize()))
}

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

    #[test]
    fn ids_equal_the_published_ones() {
        // From the specification's baseline for tcp.pcap and udp.pcap.
        let id = of(6, ("128.232.110.120".parse().unwrap(), 34855), ("66.35.250.204".parse().unwrap(), 80));
        assert_eq!(id, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let id = of(17, ("192.168.1.52".parse().unwrap(), 54585), ("8.8.8.8".parse().unwrap(), 53));
        assert_eq!(id, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }

    #[test]
    fn both_directions_have_one_id() {
        let (a, b) = (("10.0.0.1".parse().unwrap(), 1), ("10.0.0.2".parse().unwrap(), 2));
        assert_eq!(of(6, a, b), of(6, b, a));
    }
}
