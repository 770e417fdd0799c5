use super::*;

const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

/// Zero when the checksum inside the covered bytes is right.
fn residue(src: IpAddr, dst: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    checksum::finish(checksum::pseudo(src, dst, protocol, segment.len()) + checksum::sum(segment))
}

#[test]
fn a_tcp_segment_has_the_lengths_and_checksums_a_receiver_expects() {
    let frame = PacketBuilder::ethernet(A, B)
        .vlan(20)
        .ipv4([10, 10, 7, 66], [10, 20, 0, 5])
        .tcp(50000, 3389)
        .flags(tcp::PSH | tcp::ACK)
        .payload(b"odd")
        .build();
    assert_eq!(frame[12..18], [0x81, 0x00, 0, 20, 0x08, 0x00]);
    let ip = &frame[18..];
    assert_eq!(u16::from_be_bytes([ip[2], ip[3]]) as usize, ip.len());
    assert_eq!(checksum::finish(checksum::sum(&ip[..20])), 0);
    let (src, dst) = (Ipv4Addr::new(10, 10, 7, 66).into(), Ipv4Addr::new(10, 20, 0, 5).into());
    assert_eq!(residue(src, dst, 6, &ip[20..]), 0);
}

#[test]
fn options_shift_the_transport_header() {
    let frame = PacketBuilder::ethernet(A, B)
        .ipv4([1, 2, 3, 4], [5, 6, 7, 8])
        .ip_options(&[0x94, 0x04, 0, 0])
        .udp(1, 2)
        .build();
    assert_eq!(frame[14], 0x46);
    assert_eq!(frame[38..42], [0, 1, 0, 2]);
}

#[test]
fn a_later_fragment_keeps_the_protocol_and_carries_raw_bytes() {
    let frame = PacketBuilder::ethernet(A, B)
        .ipv4([1, 2, 3, 4], [5, 6, 7, 8])
        .protocol(17)
        .fragment(7, 1480, false)
        .payload(&[9; 8])
        .build();
    assert_eq!(frame[18..22], [0, 7, 0, 185]);
    assert_eq!(frame[23], 17);
}

#[test]
fn extension_headers_chain_to_the_transport() {
    let (src, dst): (Ipv6Addr, Ipv6Addr) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let frame = PacketBuilder::ethernet(A, B)
        .ipv6(src, dst)
        .extension(0, &[0, 0, 1, 4, 0, 0, 0, 0])
        .extension(60, &[0, 0, 1, 4, 0, 0, 0, 0])
        .icmp(128, 0, [0, 1, 0, 1])
        .build();
    assert_eq!(frame[12..14], [0x86, 0xdd]);
    assert_eq!((frame[20], frame[54], frame[62]), (0, 60, 58));
    assert_eq!(residue(src.into(), dst.into(), 58, &frame[70..]), 0);
}

#[test]
fn a_service_tag_announces_the_customer_tag_inside() {
    let frame = PacketBuilder::ethernet(A, B)
        .tag(TPID_8021AD, 0x6000 | 100)
        .vlan(20)
        .arp(ARP_REQUEST, (A, [10, 0, 0, 1].into()), (Mac::ZERO, [10, 0, 0, 2].into()))
        .build_padded();
    assert_eq!(frame[12..22], [0x88, 0xa8, 0x60, 100, 0x81, 0, 0, 20, 8, 6]);
    assert_eq!(frame.len(), 60);
}

#[test]
fn an_icmp_echo_sums_to_zero_without_a_pseudo_header() {
    let frame = PacketBuilder::bare()
        .ipv4([1, 1, 1, 1], [2, 2, 2, 2])
        .icmp(8, 0, [0, 1, 0, 2])
        .payload(b"ping")
        .build();
    assert_eq!(checksum::finish(checksum::sum(&frame[20..])), 0);
}
