//! Who owns an address.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::SEC;
use isthmus_tests::packet::Mac;

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
