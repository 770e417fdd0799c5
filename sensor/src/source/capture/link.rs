//! Link types, and how each becomes Ethernet, so that one packet path reads them all.
//!
//! Numbers and layouts are those of the registry at <https://www.tcpdump.org/linktypes.html>.

use std::borrow::Cow;

const ETHERNET: usize = 14;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// No EtherType: the packet path counts the frame and reads no further.
const UNKNOWN: u16 = 0;

/// What precedes the network header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// EN10MB.
    Ethernet,
    /// RAW, IPV4, IPV6: nothing; the IP version is in the first byte.
    Raw,
    /// NULL: an address family in the byte order of the machine that captured.
    Null,
    /// LOOP: an address family in network order.
    Loop,
    /// LINUX_SLL, 16 bytes.
    Sll,
    /// LINUX_SLL2, 20 bytes.
    Sll2,
}

impl Link {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            // 12 and 14 are what some systems wrote for RAW.
            12 | 14 | 101 | 228 | 229 => Self::Raw,
            108 => Self::Loop,
            113 => Self::Sll,
            276 => Self::Sll2,
            _ => return None,
        })
    }

    /// The packet as an Ethernet frame, and that frame's length on the wire.
    #[inline]
    pub(super) fn ethernet(self, packet: &[u8], wire_len: u32) -> (Cow<'_, [u8]>, u32) {
        if self == Self::Ethernet {
            (Cow::Borrowed(packet), wire_len)
        } else {
            self.convert(packet, wire_len)
        }
    }

    fn convert(self, packet: &[u8], wire_len: u32) -> (Cow<'_, [u8]>, u32) {
        let header = match self {
            Self::Ethernet | Self::Raw => 0,
            Self::Null | Self::Loop => 4,
            Self::Sll => 16,
            Self::Sll2 => 20,
        };
        let payload = packet.get(header..).unwrap_or_default();
        let (source, ethertype) = match self {
            Self::Ethernet | Self::Raw => ([0; 6], version(packet)),
            Self::Null => {
                ([0; 6], array(packet, 0).map_or(UNKNOWN, |family| null_family(u32::from_le_bytes(family))))
            }
            Self::Loop => {
                ([0; 6], array(packet, 0).map_or(UNKNOWN, |family| family_type(u32::from_be_bytes(family))))
            }
            Self::Sll => (address(packet, 4, 6), protocol(packet, 14, payload)),
            Self::Sll2 => (address(packet, 10, 12), protocol(packet, 0, payload)),
        };
        let mut frame = Vec::with_capacity(payload.len().saturating_add(ETHERNET));
        frame.extend_from_slice(&[0; 6]);
        frame.extend_from_slice(&source);
        frame.extend_from_slice(&ethertype.to_be_bytes());
        frame.extend_from_slice(payload);
        let on_wire = wire_len.saturating_sub(header as u32).saturating_add(ETHERNET as u32);
        (Cow::Owned(frame), on_wire)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn version(packet: &[u8]) -> u16 {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => IPV4,
        Some(6) => IPV6,
        _ => UNKNOWN,
    }
}

/// Families are small numbers, so a large one was written in the other byte order.
fn null_family(family: u32) -> u16 {
    family_type(if family > 0xffff { family.swap_bytes() } else { family })
}

fn family_type(family: u32) -> u16 {
    match family {
        2 => IPV4,
        // AF_INET6 of Linux; NetBSD and OpenBSD; FreeBSD; macOS.
        10 | 24 | 28 | 30 => IPV6,
        _ => UNKNOWN,
    }
}

/// The sender's address, where it is a MAC: its length is at `length` as a `u16` (SLL) or in the byte before `at` (SLL2).
fn address(packet: &[u8], length: usize, at: usize) -> [u8; 6] {
    let is_mac = if length == 4 { array(packet, 4) == Some([0, 6]) } else { packet.get(11) == Some(&6) };
    if is_mac { array(packet, at).unwrap_or_default() } else { [0; 6] }
}

/// The protocol field. Values below 0x600 are no EtherTypes but kinds of IEEE 802.3 frame, whose field is a length.
fn protocol(packet: &[u8], at: usize, payload: &[u8]) -> u16 {
    match array(packet, at).map(u16::from_be_bytes) {
        Some(ethertype) if ethertype >= 0x600 => ethertype,
        Some(_) => u16::try_from(payload.len()).unwrap_or_default().min(1500),
        None => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: [u8; 4] = [0x45, 0, 0, 20];

    fn frame(link: Link, header: &[u8]) -> (Vec<u8>, u32) {
        let packet = [header, &IP].concat();
        let (frame, wire_len) = link.ethernet(&packet, packet.len() as u32 + 10);
        (frame.into_owned(), wire_len)
    }

    fn expected(source: [u8; 6], ethertype: [u8; 2]) -> (Vec<u8>, u32) {
        ([&[0; 6][..], &source, &ethertype, &IP].concat(), 14 + 4 + 10)
    }

    #[test]
    fn ethernet_is_passed_on_without_a_copy() {
        assert_eq!(Link::Ethernet.ethernet(&IP, 99), (Cow::Borrowed(&IP[..]), 99));
    }

    #[test]
    fn raw_ip_gets_the_ethertype_of_its_version() {
        assert_eq!(frame(Link::Raw, &[]), expected([0; 6], [8, 0]));
        assert_eq!(Link::Raw.ethernet(&[0x60, 1], 2).0[12..], [0x86, 0xdd, 0x60, 1]);
        assert_eq!(Link::Raw.ethernet(&[0x10, 1], 2).0[12..], [0, 0, 0x10, 1]);
    }

    #[test]
    fn a_null_header_is_read_in_either_byte_order() {
        assert_eq!(frame(Link::Null, &[2, 0, 0, 0]), expected([0; 6], [8, 0]));
        assert_eq!(frame(Link::Null, &[0, 0, 0, 30]), expected([0; 6], [0x86, 0xdd]));
        assert_eq!(frame(Link::Loop, &[0, 0, 0, 2]), expected([0; 6], [8, 0]));
    }

    #[test]
    fn linux_cooked_keeps_the_senders_mac() {
        let mac = [2, 1, 2, 3, 4, 5];
        let sll = [0, 0, 0, 1, 0, 6, 2, 1, 2, 3, 4, 5, 0, 0, 8, 0];
        assert_eq!(frame(Link::Sll, &sll), expected(mac, [8, 0]));
        let sll2 = [0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 1, 2, 3, 4, 5, 0, 0];
        assert_eq!(frame(Link::Sll2, &sll2), expected(mac, [0x86, 0xdd]));
    }

    #[test]
    fn linux_cooked_without_a_mac_has_a_zero_source() {
        let sll = [0, 4, 2, 4, 0, 0, 9, 9, 9, 9, 9, 9, 0, 0, 8, 0];
        assert_eq!(frame(Link::Sll, &sll), expected([0; 6], [8, 0]));
    }

    #[test]
    fn an_802_3_frame_under_linux_cooked_gets_a_length() {
        let sll = [0, 1, 0, 1, 0, 6, 2, 1, 2, 3, 4, 5, 0, 0, 0, 4];
        assert_eq!(frame(Link::Sll, &sll), expected([2, 1, 2, 3, 4, 5], [0, 4]));
    }

    #[test]
    fn a_packet_shorter_than_its_link_header_becomes_an_empty_frame() {
        for link in [Link::Null, Link::Loop, Link::Sll, Link::Sll2] {
            let (frame, wire_len) = link.ethernet(&[1, 2], 2);
            assert_eq!((frame.len(), wire_len), (14, 14), "{link:?}");
        }
    }
}
