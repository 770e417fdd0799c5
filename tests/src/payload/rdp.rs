//! The beginning of a remote desktop connection (MS-RDPBCGR §2.2.1.1 and §2.2.1.2); TLS follows on the same stream.

/// The port of Remote Desktop.
pub const PORT: u16 = 3389;

/// Requested or selected protocol: TLS.
pub const TLS: u32 = 1;
/// Requested or selected protocol: CredSSP (network-level authentication) inside TLS.
pub const HYBRID: u32 = 2;
/// Flag of the negotiation request: restricted administration mode.
pub const RESTRICTED_ADMIN: u8 = 1;

fn x224(kind: u8, dst_ref: u16, src_ref: u16, rest: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend((11 + rest.len() as u16).to_be_bytes());
    out.extend([6 + rest.len() as u8, kind]);
    out.extend(dst_ref.to_be_bytes());
    out.extend(src_ref.to_be_bytes());
    out.push(0);
    out.extend(rest);
    out
}

/// Connection request with `Cookie: mstshash=<user>`; real clients cut the user to nine characters, and so does
/// this. `protocols` are [`TLS`] and [`HYBRID`] or-ed.
#[must_use]
pub fn connection_request(user: Option<&str>, flags: u8, protocols: u32) -> Vec<u8> {
    let mut rest = Vec::new();
    if let Some(user) = user {
        let short: String = user.chars().take(9).collect();
        rest.extend(format!("Cookie: mstshash={short}\r\n").bytes());
    }
    rest.extend([1, flags, 8, 0]);
    rest.extend(protocols.to_le_bytes());
    x224(0xe0, 0, 0, &rest)
}

/// Connection confirm that selects one protocol.
#[must_use]
pub fn connection_confirm(selected: u32) -> Vec<u8> {
    let mut rest = vec![2, 0x1f, 8, 0];
    rest.extend(selected.to_le_bytes());
    x224(0xd0, 0, 0x1234, &rest)
}

/// The datagram with which a client opens a transport over UDP (MS-RDPEUDP 3.1.5.1.1), version 2.
#[must_use]
pub fn udp_syn(initial: u32) -> Vec<u8> {
    udp_opening(u32::MAX, 0x1001, initial)
}

/// The server's answer (MS-RDPEUDP 3.1.5.1.3).
#[must_use]
pub fn udp_syn_ack(acknowledged: u32, initial: u32) -> Vec<u8> {
    udp_opening(acknowledged, 0x1005, initial)
}

/// Header, SYN data, version, zeros up to the size of a datagram.
fn udp_opening(acknowledged: u32, flags: u16, initial: u32) -> Vec<u8> {
    let mut out = acknowledged.to_be_bytes().to_vec();
    out.extend(64_u16.to_be_bytes());
    out.extend(flags.to_be_bytes());
    out.extend(initial.to_be_bytes());
    for number in [UDP_MTU, UDP_MTU, 1, 2] {
        out.extend(number.to_be_bytes());
    }
    out.resize(usize::from(UDP_MTU), 0);
    out
}

/// A datagram with `length` bytes of (encrypted) data behind an acknowledgement (MS-RDPEUDP 2.2.2.1, 2.2.2.7, 2.2.2.4).
#[must_use]
pub fn udp_data(acknowledged: u32, sequence: u32, length: usize) -> Vec<u8> {
    let mut out = acknowledged.to_be_bytes().to_vec();
    out.extend(64_u16.to_be_bytes());
    // ACK and DATA; one element in the vector of acknowledgements, and its padding.
    out.extend([0, 0x0c, 0, 1, 0, 0]);
    out.extend(sequence.to_be_bytes());
    out.extend(sequence.to_be_bytes());
    out.resize(out.len() + length, 0x5a);
    out
}

/// Bytes of a datagram both ends offer.
const UDP_MTU: u16 = 1232;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_cut_to_nine_characters() {
        let bytes = connection_request(Some("Administrator"), 0, TLS | HYBRID);
        let text = b"Cookie: mstshash=Administr\r\n";
        assert_eq!(bytes[11..11 + text.len()], *text);
        assert_eq!(bytes[11 + text.len()..], [1, 0, 8, 0, 3, 0, 0, 0]);
        assert_eq!((usize::from(bytes[3]), usize::from(bytes[4])), (bytes.len(), bytes.len() - 5));
    }
}
