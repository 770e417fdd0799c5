//! Who a device is when addresses change hands.

use std::net::Ipv6Addr;

use isthmus_tests::conversation::{Frame, Options, SEC, Session, Side};
use isthmus_tests::packet::{Mac, PacketBuilder};

use crate::site::*;

const DHCP_SERVER: [u8; 4] = [10, 20, 0, 1];
/// Where the SCADA server is after it was given another lease.
const MOVED: [u8; 4] = [10, 20, 0, 77];
const INTRUDER: Mac = Mac([0x02, 0, 0, 0xbb, 0, 1]);

/// A lease (RFC 2131 §3.1): the server's acknowledgement.
pub fn lease(tape: &mut Tape, address: [u8; 4], to: Mac, at: u64) {
    let mut reply = vec![2, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    reply.extend(address);
    reply.extend(DHCP_SERVER);
    reply.extend([0; 4]);
    reply.extend(to.0);
    reply.resize(236, 0);
    reply.extend([99, 130, 83, 99, 53, 1, 5, 54, 4]);
    reply.extend(DHCP_SERVER);
    reply.extend([51, 4, 0, 0, 14, 16, 255]);
    let bytes = PacketBuilder::ethernet(mac(DHCP_SERVER), to)
        .ipv4(DHCP_SERVER, address)
        .udp(67, 68)
        .payload(&reply)
        .build_padded();
    tape.push(Frame { at_ns: at, leg: 0, bytes });
}

/// A device asks for an address and says its name (RFC 2132 §3.14).
fn asks(tape: &mut Tape, name: &str, by: Mac, at: u64) {
    let mut request = vec![1, 1, 6, 0, 1, 2, 3, 4];
    request.resize(28, 0);
    request.extend(by.0);
    request.resize(236, 0);
    request.extend([99, 130, 83, 99, 53, 1, 3, 12, name.len() as u8]);
    request.extend(name.as_bytes());
    request.push(255);
    let bytes = PacketBuilder::ethernet(by, Mac::BROADCAST)
        .ipv4([0, 0, 0, 0], [255, 255, 255, 255])
        .udp(68, 67)
        .payload(&request)
        .build_padded();
    tape.push(Frame { at_ns: at, leg: 0, bytes });
}

#[test]
fn two_that_swap_their_leases_keep_their_names() {
    let hosts = [([10, 10, 0, 21], "pc21"), ([10, 10, 0, 22], "pc22")];
    let join = |tape: &mut Tape, ip: [u8; 4], (own, name): ([u8; 4], &str), at: u64| {
        asks(tape, name, mac(own), at);
        lease(tape, ip, mac(own), at + SEC / 10);
        tape.claim(ip, mac(own), true, at + SEC);
    };
    let mut past = known();
    for (n, host) in (0..).zip(hosts) {
        join(&mut past, host.0, host, START + n * 10 * SEC);
        past.talk((host.0, OFFICE, 8080), START + (5 + n * 10) * SEC, SEC, &[(vec![1], vec![2])]);
    }
    let mut tape = Tape::new();
    join(&mut tape, hosts[1].0, hosts[0], LATER);
    join(&mut tape, hosts[0].0, hosts[1], LATER + 10 * SEC);
    // And once more, from what was said between.
    join(&mut tape, hosts[0].0, hosts[0], LATER + 3600 * SEC);
    join(&mut tape, hosts[1].0, hosts[1], LATER + 3610 * SEC);
    judge(learn(past), tape).silent();
}

/// One write to a controller, from this address and MAC.
fn write_from(tape: &mut Tape, ip: [u8; 4], of: Mac, port: u16, at: u64) {
    let client = Side { mac: of, next_hop: mac(plc(1)), ip: ip.into(), port, vlan: None, leg: 0, ttl: 64 };
    let server = Side { mac: mac(plc(1)), next_hop: of, ip: plc(1).into(), port: 502, ..client };
    let mut session = Session::new(client, server, at, (1000, 2000), Options::default());
    session.open();
    let (request, answer) = write(3);
    session.send_expecting_answer(isthmus_tests::conversation::From::Client, &request);
    session.send(isthmus_tests::conversation::From::Server, &answer);
    session.close(isthmus_tests::conversation::From::Client);
    tape.add(session);
}

/// The ordinary hour, in which every address was proven.
pub fn known() -> Tape {
    let mut tape = Tape::ordinary();
    for ip in [SCADA, plc(1), plc(2), plc(3), plc(4), OFFICE] {
        tape.claim(ip, mac(ip), false, START);
    }
    tape
}

#[test]
fn a_server_that_was_given_another_lease_is_still_itself() {
    let mut tape = Tape::new();
    lease(&mut tape, MOVED, mac(SCADA), LATER);
    tape.claim(MOVED, mac(SCADA), true, LATER + SEC);
    write_from(&mut tape, MOVED, mac(SCADA), 50_000, LATER + 2 * SEC);
    judge(learn(known()), tape).silent();
}

#[test]
fn who_was_given_its_old_lease_is_somebody_else() {
    let mut tape = Tape::new();
    lease(&mut tape, MOVED, mac(SCADA), LATER);
    tape.claim(MOVED, mac(SCADA), true, LATER + SEC);
    lease(&mut tape, SCADA, INTRUDER, LATER + 10 * SEC);
    write_from(&mut tape, SCADA, INTRUDER, 50_000, LATER + 12 * SEC);
    let seen = judge(learn(known()), tape);
    assert!(seen.models().contains(&"new_action"), "{:#?}", seen.summaries());
    assert!(seen.of("address_conflict").is_empty());
    // And the server, at its new address, is not taken for it.
    assert!(seen.findings.iter().all(|finding| finding.actor == isthmus::state::SiteAddr::from(SCADA)));
}

#[test]
fn who_takes_a_known_address_by_arp_is_not_trusted_as_its_owner() {
    let mut tape = Tape::new();
    tape.claim(SCADA, INTRUDER, true, LATER);
    write_from(&mut tape, SCADA, INTRUDER, 50_000, LATER + SEC);
    // The owner works on meanwhile, with nothing to be said of it.
    write_from(&mut tape, SCADA, mac(SCADA), 50_001, LATER + 5 * SEC);
    let seen = judge(learn(known()), tape);
    let found = seen.one("new_action");
    assert_eq!(found.actor_mac, Some(INTRUDER.0), "{:#?}", seen.summaries());
}

#[test]
fn an_arp_claim_in_anothers_name_proves_nothing() {
    let mut tape = Tape::new();
    // Sent by the intruder, said to be the SCADA server's MAC: so it would be the server's address.
    let bytes = PacketBuilder::ethernet(INTRUDER, Mac::BROADCAST)
        .arp(1, (mac(SCADA), MOVED.into()), (Mac::ZERO, MOVED.into()))
        .build_padded();
    tape.push(Frame { at_ns: LATER, leg: 0, bytes });
    write_from(&mut tape, MOVED, INTRUDER, 50_000, LATER + SEC);
    let seen = judge(learn(known()), tape);
    assert!(seen.models().contains(&"new_action"), "{:#?}", seen.summaries());
}

/// A neighbor solicitation (135) or advertisement (136) about `of`, with `mac` in its option.
fn neighbor(tape: &mut Tape, kind: u8, (source, of): (Ipv6Addr, Ipv6Addr), by: Mac, hops: u8, at: u64) {
    let flags = if kind == 136 { [0x20, 0, 0, 0] } else { [0; 4] };
    let mut body = of.octets().to_vec();
    if !source.is_unspecified() {
        body.extend([if kind == 136 { 2 } else { 1 }, 1]);
        body.extend(by.0);
    }
    let group: Ipv6Addr = "ff02::1".parse().unwrap();
    let bytes = PacketBuilder::ethernet(by, Mac([0x33, 0x33, 0, 0, 0, 1]))
        .ipv6(source, group)
        .ttl(hops)
        .icmp(kind, 0, flags)
        .payload(&body)
        .build_padded();
    tape.push(Frame { at_ns: at, leg: 0, bytes });
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

#[test]
fn neighbours_that_claim_one_ipv6_address_in_turns_are_a_conflict() {
    let address = v6("2001:db8::5");
    let claims = |hops| {
        let mut tape = Tape::new();
        for n in 0..4 {
            neighbor(&mut tape, 136, (address, address), mac(SCADA), hops, LATER + 20 * n * SEC);
            neighbor(&mut tape, 136, (address, address), INTRUDER, hops, LATER + (20 * n + 10) * SEC);
        }
        tape
    };
    let seen = while_learning(claims(255));
    assert!(seen.one("address_conflict").summary.contains("2001:db8::5"));
    // What came through a router is no neighbour's word.
    while_learning(claims(254)).silent();
}

#[test]
fn who_looks_whether_an_ipv6_address_is_free_claims_nothing() {
    let (nobody, address) = (v6("::"), v6("2001:db8::5"));
    let mut tape = Tape::new();
    for n in 0..4 {
        neighbor(&mut tape, 136, (address, address), mac(SCADA), 255, LATER + 20 * n * SEC);
        neighbor(&mut tape, 135, (nobody, address), INTRUDER, 255, LATER + (20 * n + 10) * SEC);
    }
    while_learning(tape).silent();
}

#[test]
fn both_address_families_are_one_device() {
    let mut tape = known();
    let address = v6("fe80::5");
    neighbor(&mut tape, 135, (address, v6("fe80::1")), mac(SCADA), 255, START + SEC);
    let world = learn(tape);
    let [four, six] = [isthmus::state::SiteAddr::from(SCADA), std::net::IpAddr::from(address).into()]
        .map(|ip| world.who(ip));
    assert_eq!(four, six);
    assert_eq!(world.hosts.address(four), isthmus::state::SiteAddr::from(SCADA));
}
