//! Who owns an address.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::{Frame, SEC};
use isthmus_tests::packet::{ARP_REPLY, Mac, PacketBuilder};

use crate::identity::{known, lease};
use crate::replaced::{of, works};
use crate::site::*;

const ATTACKER: [u8; 4] = [10, 20, 0, 99];

#[test]
fn two_macs_that_claim_one_address_in_turns_are_a_conflict_by_the_newcomer() {
    let mut tape = Tape::new();
    tape.claim(ATTACKER, mac(ATTACKER), false, LATER);
    tape.claim(plc(1), mac(plc(1)), false, LATER + SEC);
    for n in 0..5 {
        tape.claim(plc(1), mac(ATTACKER), true, LATER + (2 + 20 * n) * SEC);
        tape.claim(plc(1), mac(plc(1)), false, LATER + (12 + 20 * n) * SEC);
    }
    let seen = while_learning(tape);
    let found = seen.one("address_conflict");
    assert_eq!((found.basis, found.severity), (Basis::Rule, Severity::High));
    assert_eq!(found.actor, isthmus::state::SiteAddr::from(ATTACKER));
    assert_eq!(found.targets[0].ip, isthmus::state::SiteAddr::from(plc(1)));
}

#[test]
fn who_was_known_to_own_an_address_is_the_owner_whoever_claims_it_first_after_a_restart() {
    let mut past = Tape::ordinary();
    past.claim(plc(1), mac(plc(1)), false, START);
    past.claim(ATTACKER, mac(ATTACKER), false, START);
    let mut tape = Tape::new();
    for n in 0..3 {
        tape.claim(plc(1), mac(ATTACKER), true, LATER + 20 * n * SEC);
        tape.claim(plc(1), mac(plc(1)), false, LATER + (10 + 20 * n) * SEC);
    }
    let seen = judge(learn(past), tape);
    assert_eq!(seen.one("address_conflict").actor, isthmus::state::SiteAddr::from(ATTACKER));
}

#[test]
fn an_owner_that_speaks_seldom_is_still_the_owner() {
    let mut past = Tape::ordinary();
    past.claim(plc(1), mac(plc(1)), false, START);
    let mut tape = Tape::new();
    tape.claim(ATTACKER, mac(ATTACKER), true, LATER);
    for n in 1..900 {
        tape.claim(plc(1), mac(ATTACKER), false, LATER + 2 * n * SEC);
        if [450, 600].contains(&n) {
            tape.claim(plc(1), mac(plc(1)), false, LATER + (2 * n + 1) * SEC);
        }
    }
    let seen = judge(learn(past), tape);
    let conflicts = seen.of("address_conflict");
    let attacker = isthmus::state::SiteAddr::from(ATTACKER);
    assert!(
        !conflicts.is_empty() && conflicts.iter().all(|found| found.actor == attacker),
        "{:?}",
        seen.summaries()
    );
}

#[test]
fn an_address_that_is_leased_to_another_device_is_no_conflict() {
    let mut tape = Tape::new();
    for (n, of) in (0..).zip([1, 2, 3, 4]) {
        for again in 0..3 {
            tape.claim([10, 10, 0, 50], mac([10, 10, 0, of]), true, LATER + (n * 3600 + again) * SEC);
        }
    }
    while_learning(tape).silent();
}

#[test]
fn virtual_routers_and_several_addresses_of_one_device_are_no_conflict() {
    let mut tape = Tape::new();
    let vrrp = Mac([0, 0, 0x5e, 0, 1, 7]);
    let hsrp = Mac([0, 0, 0x0c, 7, 0xac, 7]);
    for n in 0..10 {
        let at = LATER + n * 4 * SEC;
        tape.claim([10, 20, 0, 1], vrrp, true, at);
        tape.claim([10, 20, 0, 1], mac([10, 20, 0, 2]), false, at + SEC);
        tape.claim([10, 20, 0, 254], hsrp, true, at + 2 * SEC);
        // One MAC, two addresses.
        tape.claim([10, 20, 0, 30], mac(plc(9)), false, at + 3 * SEC);
        tape.claim([10, 20, 0, 31], mac(plc(9)), false, at + 3 * SEC + 1);
    }
    while_learning(tape).silent();
}

#[test]
fn a_device_that_shouts_its_address_is_a_storm() {
    let mut tape = Tape::new();
    for n in 0..200 {
        tape.claim(plc(3), mac(plc(3)), true, LATER + n * SEC / 5);
    }
    let seen = while_learning(tape);
    assert!(seen.one("address_conflict").summary.contains("without being asked"));
}

#[test]
fn a_host_keeps_the_macs_that_proved_to_own_its_address() {
    let mut tape = Tape::ordinary();
    tape.claim(plc(1), mac(plc(1)), false, START);
    tape.claim(plc(1), mac(plc(9)), false, START + 3000 * SEC);
    let world = learn(tape);
    let host = world.hosts.get(&plc(1).into()).unwrap();
    let macs: Vec<[u8; 6]> = host.macs.iter().map(|(mac, ..)| *mac).collect();
    assert_eq!(macs, [mac(plc(1)).0, mac(plc(9)).0]);
}

/// The attacker's own device, and one that nobody heard of before.
fn attackers() -> [Mac; 2] {
    [mac(ATTACKER), Mac([0x02, 0, 0, 0xbb, 0, 1])]
}

#[test]
fn who_claims_an_address_again_after_its_owner_sent_from_it_is_a_conflict_at_once() {
    for attacker in attackers() {
        let mut past = known();
        past.claim(ATTACKER, mac(ATTACKER), false, START);
        let mut tape = Tape::new();
        for n in 0..60 {
            tape.claim(plc(1), attacker, false, LATER + 2 * n * SEC);
        }
        // The owner claims nothing, it is asked and answers.
        works(&mut tape, of(SCADA), of(plc(1)), LATER + 31 * SEC, 6);
        let seen = judge(learn(past), tape);
        let found = seen.one("address_conflict");
        assert!((LATER + 31 * SEC..LATER + 34 * SEC).contains(&found.at.0), "{:?}", found.at);
        assert!(found.facts.contains(&("mac.new".to_owned(), attacker.to_string())), "{:?}", found.facts);
        assert_eq!(found.targets[0].ip, isthmus::state::SiteAddr::from(plc(1)));
    }
}

#[test]
fn a_former_holder_that_goes_on_under_its_new_lease_is_no_conflict() {
    let (moved, heir) = ([10, 20, 0, 77], Mac([0x02, 0, 0, 0xcc, 0, 1]));
    let mut tape = Tape::new();
    lease(&mut tape, moved, mac(plc(1)), LATER);
    tape.claim(moved, mac(plc(1)), true, LATER + SEC);
    lease(&mut tape, plc(1), heir, LATER + 10 * SEC);
    for n in 0..3 {
        tape.claim(plc(1), heir, true, LATER + (11 + n) * SEC);
        works(&mut tape, of(SCADA), (moved, mac(plc(1))), LATER + (15 + 70 * n) * SEC, 6);
        works(&mut tape, of(SCADA), (plc(1), heir), LATER + (18 + 70 * n) * SEC, 6);
        tape.claim(plc(1), heir, false, LATER + (60 + 70 * n) * SEC);
    }
    assert!(judge(learn(known()), tape).of("address_conflict").is_empty());
}

#[test]
fn an_address_that_goes_to_another_interface_and_back_is_no_conflict() {
    // A laptop between its dock and the air, or a floating address between the servers of a pair.
    let other = Mac([0x02, 0, 0, 0xcc, 0, 1]);
    let mut tape = Tape::new();
    for (minute, has) in (0..).zip([mac(plc(1)), other, other, mac(plc(1)), mac(plc(1))]) {
        let at = LATER + 90 * minute * SEC;
        for n in 0..3 {
            tape.claim(plc(1), has, true, at + n * SEC);
        }
        works(&mut tape, of(SCADA), (plc(1), has), at + 5 * SEC, 6);
        tape.claim(plc(1), has, false, at + 80 * SEC);
    }
    assert!(judge(learn(known()), tape).of("address_conflict").is_empty());
}

#[test]
fn a_virtual_router_that_sends_with_its_own_mac_is_no_conflict() {
    let (address, vrrp) = ([10, 20, 0, 1], Mac([0, 0, 0x5e, 0, 1, 7]));
    let mut past = known();
    past.claim(address, mac([10, 20, 0, 2]), false, START);
    let mut tape = Tape::new();
    for n in 0..6 {
        let master = mac([10, 20, 0, 2 + (n / 3) as u8]);
        tape.claim(address, vrrp, true, LATER + 60 * n * SEC);
        works(&mut tape, (address, master), of(OFFICE), LATER + (60 * n + 5) * SEC, 3);
    }
    assert!(judge(learn(past), tape).of("address_conflict").is_empty());
}

#[test]
fn a_router_that_answers_for_hosts_behind_it_is_no_conflict() {
    let router = Mac([0x02, 0, 0, 0xdd, 0, 1]);
    let mut tape = Tape::new();
    for n in 0..10 {
        let at = LATER + 30 * n * SEC;
        // On the office's link the router's MAC stands for the controllers (RFC 1027); their own link is another one.
        for controller in [plc(1), plc(2)] {
            let bytes = PacketBuilder::ethernet(router, mac(OFFICE))
                .vlan(10)
                .arp(ARP_REPLY, (router, controller.into()), (mac(OFFICE), OFFICE.into()))
                .build_padded();
            tape.push(Frame { at_ns: at, leg: 0, bytes });
        }
        works(&mut tape, of(SCADA), of(plc(1)), at + SEC, 1);
        works(&mut tape, of(SCADA), of(plc(2)), at + 2 * SEC, 1);
    }
    assert!(judge(learn(known()), tape).of("address_conflict").is_empty());
}
