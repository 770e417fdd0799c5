//! `ics_scan`, and what is none.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::{Frame, MIN, SEC};
use isthmus_tests::packet::{Mac, PacketBuilder};
use isthmus_tests::payload::modbus;

use crate::site::*;

/// `n` destinations tried by `source`, half refused and half silent.
fn scan(source: [u8; 4], n: u8) -> Tape {
    let mut tape = Tape::new();
    // Something came back to the source before: its return path is visible.
    tape.refused(source, [10, 10, 0, 2], 9, LATER);
    for i in 0..n {
        let (at, target) = (LATER + (1 + u64::from(i)) * SEC / 5, [10, 20, 1, 100 + i]);
        if i % 2 == 0 {
            tape.refused(source, target, 502, at)
        } else {
            tape.unanswered(source, target, 102, at)
        }
    }
    tape.touch(source, [10, 10, 0, 2], 8080, LATER + 60 * SEC);
    tape
}

#[test]
fn a_scan_is_one_finding_that_absorbs_the_failures_it_is_made_of() {
    let seen = after_learning(scan(STRANGER, 40));
    let found = seen.one("ics_scan");
    assert_eq!((found.basis, found.severity), (Basis::Rule, Severity::High));
    assert_eq!(found.targets_total, 40, "{}", found.summary);
    let failures = seen.one("ics_failures");
    assert_eq!(failures.absorbed_by, Some(found.number));
    assert_eq!(seen.incidents.len(), 1);
}

#[test]
fn three_controllers_tried_by_a_stranger_are_a_scan() {
    let mut tape = Tape::new();
    for n in 1..=3 {
        tape.touch(STRANGER, plc(n), 502, LATER + u64::from(n) * SEC);
    }
    tape.touch(STRANGER, [10, 10, 0, 2], 8080, LATER + 30 * SEC);
    let seen = after_learning(tape);
    assert_eq!(seen.one("ics_scan").targets_total, 3);
}

/// A frame from `source` that the device with `sender`'s MAC sent.
fn knock(tape: &mut Tape, sender: [u8; 4], source: [u8; 4], n: u8, at: u64) {
    let bytes = PacketBuilder::ethernet(mac(sender), mac(plc(n)))
        .ipv4(source, plc(n))
        .tcp(41_000 + u16::from(n), 502)
        .flags(2)
        .build_padded();
    tape.push(Frame { at_ns: at, leg: 0, bytes });
}

/// `sender` knocks at 12 controllers, each time also under eight other addresses.
fn decoys(sender: [u8; 4]) -> Tape {
    let mut tape = Tape::new();
    for n in 1..=12 {
        for decoy in 0..9_u8 {
            let source = if decoy == 4 { sender } else { [10, 10, 30 + decoy, 50] };
            let at = LATER + MIN + u64::from(n) * SEC + u64::from(decoy) * SEC / 20;
            knock(&mut tape, sender, source, n, at);
        }
    }
    tape.touch(OFFICE, [10, 10, 0, 2], 8080, LATER + 5 * MIN);
    tape
}

#[test]
fn a_scan_under_forged_addresses_is_one_finding_by_the_owner_of_the_mac() {
    for claims in [true, false] {
        let mut tape = decoys(STRANGER);
        if claims {
            tape.claim(STRANGER, mac(STRANGER), true, LATER);
        }
        let seen = after_learning(tape);
        let found = seen.one("ics_scan");
        assert!(found.summary.contains("addresses behind 02:00:00"), "{}", found.summary);
        assert!(!claims || found.actor == isthmus::state::SiteAddr::from(STRANGER), "{}", found.summary);
    }
}

#[test]
fn hosts_behind_a_router_are_themselves() {
    let router = [10, 20, 0, 1];
    let mut past = Tape::ordinary();
    past.claim(router, mac(router), true, START);
    for n in 1..=4 {
        knock(&mut past, router, [10, 10, 9, n], 1, START + MIN);
    }
    let mut tape = Tape::new();
    for n in 1..=12 {
        for new in 0..2 {
            knock(&mut tape, router, [10, 10, 9, 200 + new], n, LATER + u64::from(n) * SEC);
        }
    }
    tape.touch(OFFICE, [10, 10, 0, 2], 8080, LATER + 5 * MIN);
    let seen = judge(learn(past), tape);
    assert_eq!(seen.of("ics_scan").len(), 2, "{:#?}", seen.summaries());
}

#[test]
fn a_source_that_is_still_learned_needs_half_of_them_to_fail() {
    let polls = |n: u8| {
        let mut tape = Tape::new();
        for i in 1..=n {
            tape.poll(SCADA, plc(i), LATER + u64::from(i), 20);
        }
        tape
    };
    while_learning(polls(29)).silent();
    let seen = while_learning(scan(STRANGER, 20));
    assert_eq!(seen.models(), ["ics_scan"], "{:#?}", seen.summaries());
}

#[test]
fn a_server_that_takes_over_polling_is_no_scan() {
    let standby = [10, 20, 0, 6];
    let mut past = Tape::ordinary();
    past.poll(standby, plc(1), START + SEC, 30);
    let mut tape = Tape::new();
    for n in 1..=29 {
        tape.poll(standby, plc(n), LATER + u64::from(n), 30);
    }
    let seen = judge(learn(past), tape);
    assert!(seen.of("ics_scan").is_empty(), "{:#?}", seen.summaries());
    // It is news all the same: once, not 28 times.
    assert_eq!(seen.one("ics_connectivity").targets.len(), 16);
    assert_eq!(seen.one("ics_connectivity").targets_total, 28);
}

#[test]
fn asking_everybody_is_no_scan() {
    let mut tape = Tape::new();
    for n in 0..40_u8 {
        for target in [[10, 20, 1, 255], [255, 255, 255, 255], [224, 0, 0, n]] {
            let bytes = PacketBuilder::ethernet(mac(STRANGER), Mac::BROADCAST)
                .ipv4(STRANGER, target)
                .udp(40_000 + u16::from(n), 47_808)
                .payload(&[0x81, 0x0b, 0, 8, 1, 0, 0x10, 8])
                .build_padded();
            tape.push(Frame { at_ns: LATER + u64::from(n) * SEC / 10, leg: 0, bytes });
        }
    }
    tape.touch(STRANGER, [10, 10, 0, 2], 8080, LATER + 60 * SEC);
    assert!(after_learning(tape).of("ics_scan").is_empty());
}

#[test]
fn what_a_host_always_did_is_no_scan_however_much_of_it_there_is() {
    let mut past = Tape::ordinary();
    let mut tape = Tape::new();
    for n in 1..=20 {
        past.poll(SCADA, plc(n), START + SEC, 3);
        tape.touch(SCADA, plc(n), 502, LATER + u64::from(n) * SEC);
    }
    judge(learn(past), tape).silent();
}

#[test]
fn asking_a_device_function_after_function_is_one_anomaly() {
    let mut pairs = Vec::new();
    for function in 65..95_u8 {
        let tid = u16::from(function);
        pairs.push((modbus::adu(tid, 1, &[function, 0, 0]), modbus::exception(tid, 1, function, 1)));
    }
    let mut tape = Tape::new();
    tape.talk((SCADA, plc(1), 502), LATER, SEC / 4, &pairs);
    let seen = after_learning(tape);
    let found = seen.one("protocol_anomaly");
    assert!(found.summary.contains("functions"), "{}", found.summary);
    assert_eq!(found.basis, Basis::Statistical);
}

#[test]
fn a_register_that_is_not_there_is_refused_with_every_poll_and_no_anomaly() {
    let pairs: Vec<_> =
        (0..300).map(|tid| (modbus::read_holding(tid, 1, 999, 1), modbus::exception(tid, 1, 3, 2))).collect();
    let mut tape = Tape::new();
    tape.talk((SCADA, plc(1), 502), LATER, SEC / 2, &pairs);
    after_learning(tape).silent();
}

#[test]
fn a_scanner_in_the_learned_past_stays_one() {
    let mut past = Tape::ordinary();
    past.refused(STRANGER, [10, 10, 0, 2], 9, START);
    for i in 0..30 {
        past.touch(STRANGER, [10, 20, 1, 100 + i], 502, START + (1 + u64::from(i)) * SEC);
    }
    past.poll(SCADA, plc(1), START + 100 * SEC, 3);
    let (world, told) = learn_with("", past);
    assert_eq!(told.models(), ["ics_scan"]);
    let mut tape = Tape::new();
    for i in 15..30 {
        tape.touch(STRANGER, [10, 20, 1, 100 + i], 502, LATER + u64::from(i) * SEC);
    }
    tape.poll(SCADA, plc(1), LATER, 60);
    assert_eq!(judge(world, tape).of("ics_scan").len(), 1);
}

#[test]
fn an_office_computer_that_tries_one_address_every_few_minutes_scans() {
    let mut tape = Tape::new();
    tape.refused(OFFICE, [10, 10, 0, 2], 9, LATER);
    for i in 0..10 {
        tape.unanswered(OFFICE, [10, 20, 1, 100 + i as u8], 502, LATER + (1 + i * 240) * SEC);
    }
    tape.touch(OFFICE, [10, 10, 0, 2], 8080, LATER + 2500 * SEC);
    assert_eq!(after_learning(tape).of("ics_scan").len(), 1);
}

#[test]
fn a_flood_of_forged_addresses_is_a_few_findings() {
    let mut tape = Tape::new();
    for i in 0..2000_u64 {
        let forged = [10, 10, 50 + (i / 200) as u8, (i % 200) as u8];
        let bytes = PacketBuilder::ethernet(mac(STRANGER), mac(plc(1)))
            .ipv4(forged, plc(1))
            .tcp(40_000, 502)
            .flags(isthmus_tests::packet::tcp::SYN)
            .build_padded();
        tape.push(Frame { at_ns: LATER + i * SEC / 100, leg: 0, bytes });
    }
    tape.talk((STRANGER, plc(1), 502), LATER + 5 * SEC, SEC, &[write(1)]);
    tape.poll(SCADA, plc(1), LATER, 60);
    let seen = after_learning(tape);
    assert!(seen.of("new_device_activity").len() < 30, "{}", seen.findings.len());
    assert_eq!(seen.one("new_action").actor, isthmus::state::SiteAddr::from(STRANGER));
}

#[test]
fn segments_no_stack_sends_are_somebody_looking_for_open_ports() {
    use isthmus_tests::packet::tcp;
    let mut tape = Tape::new();
    let other = [10, 10, 0, 2];
    for (n, flags) in (0..).zip([tcp::FIN, 0, tcp::FIN | tcp::PSH | tcp::URG]) {
        let (port, at) = (3390 + n, LATER + u64::from(n) * 8 * SEC);
        for (from, to, ports, flags) in [
            (STRANGER, other, (60_000 - n, port), flags),
            (other, STRANGER, (port, 60_000 - n), tcp::RST | tcp::ACK),
        ] {
            let bytes = PacketBuilder::ethernet(mac(from), mac(to))
                .ipv4(from, to)
                .tcp(ports.0, ports.1)
                .flags(flags)
                .build_padded();
            let after = if from == other { SEC / 1000 } else { 0 };
            tape.push(Frame { at_ns: at + after, leg: 0, bytes });
        }
    }
    let seen = after_learning(tape);
    let found = seen.one("internal_failures");
    assert_eq!(
        (found.basis, found.count, found.targets_total),
        (Basis::Rule, 3, 3),
        "{:?}",
        seen.summaries()
    );
    assert_eq!(found.actor, isthmus::state::SiteAddr::from(STRANGER));
}

/// 2000 forged sources send this to forty controllers, from the MAC of a stranger who also says something itself.
fn forged(packet: &dyn Fn(PacketBuilder) -> PacketBuilder) -> Tape {
    let mut tape = Tape::new();
    for i in 0..2000_u64 {
        let source = [10, 10, 50 + (i / 200) as u8, (i % 200) as u8];
        let frame = PacketBuilder::ethernet(mac(STRANGER), mac(plc(1))).ipv4(source, plc((i % 40) as u8 + 1));
        tape.push(Frame { at_ns: LATER + i * SEC / 100, leg: 0, bytes: packet(frame).build_padded() });
    }
    tape.talk((STRANGER, plc(1), 502), LATER + 5 * SEC, SEC, &[write(1)]);
    tape.poll(SCADA, plc(1), LATER, 60);
    tape
}

#[test]
fn forged_sources_are_one_device_also_where_nothing_is_known_yet() {
    let syn = |frame: PacketBuilder| frame.tcp(40_000, 502).flags(isthmus_tests::packet::tcp::SYN);
    for seen in [at_once(forged(&syn)), while_learning(forged(&syn))] {
        let scan = seen.one("ics_scan");
        assert_eq!(scan.actor, isthmus::state::SiteAddr::from(STRANGER), "{}", scan.summary);
    }
    let settings = isthmus::state::world::Settings { operational: true, ..Default::default() };
    let (world, ..) = judge_on(world(settings), isthmus::incident::Incidents::default(), forged(&syn));
    let (devices, forgeries) = world.devices();
    assert!(devices.len() < 10 && forgeries.values().sum::<u64>() > 1900, "{}", devices.len());
    // ListIdentity: content that is told of whoever sends it.
    let identity = |frame: PacketBuilder| {
        let mut ask = [0; 24];
        ask[0] = 0x63;
        frame.udp(44_818, 44_818).payload(&ask)
    };
    let seen = at_once(forged(&identity));
    let actors = |model| seen.of(model).iter().map(|f| f.actor).collect::<std::collections::BTreeSet<_>>();
    for model in ["new_discover", "possible_ics", "it_to_ics"] {
        assert!(actors(model).len() < 40, "{model}: {}", actors(model).len());
        assert!(actors(model).contains(&isthmus::state::SiteAddr::from(STRANGER)), "{model}");
    }
}

#[test]
fn what_comes_through_a_router_is_not_its_forgery() {
    let mut tape = Tape::new();
    let router = mac([10, 20, 0, 254]);
    for n in 0..60_u8 {
        let client = isthmus_tests::conversation::Side {
            mac: router,
            next_hop: mac(plc(1)),
            ip: [10, 30, 0, n].into(),
            port: 40_000,
            vlan: None,
            leg: 0,
            ttl: 63,
        };
        let server = isthmus_tests::conversation::Side {
            mac: mac(plc(1)),
            next_hop: router,
            ip: plc(1).into(),
            port: 502,
            ..client
        };
        let mut session = isthmus_tests::conversation::Session::new(
            client,
            server,
            LATER + u64::from(n) * SEC,
            (1000, 2000),
            isthmus_tests::conversation::Options::default(),
        );
        session.open();
        let (request, answer) = write(1);
        session.send_expecting_answer(isthmus_tests::conversation::From::Client, &request);
        session.send(isthmus_tests::conversation::From::Server, &answer);
        session.close(isthmus_tests::conversation::From::Client);
        tape.add(session);
    }
    let seen = at_once(tape);
    assert_eq!(seen.of("new_action").len(), 60);
}
