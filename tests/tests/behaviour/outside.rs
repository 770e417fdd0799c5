//! The perimeter.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::{DAY, HOUR, MIN, SEC};
use isthmus_tests::payload::tls;

use crate::site::*;

const OUTSIDE: [u8; 4] = [203, 0, 113, 77];

#[test]
fn modbus_from_outside_is_critical_even_while_learning() {
    let mut tape = Tape::new();
    tape.talk((OUTSIDE, plc(1), 502), LATER, SEC, &[read(1)]);
    for seen in [after_learning(tape), {
        let mut tape = Tape::new();
        tape.talk((OUTSIDE, plc(1), 502), LATER, SEC, &[read(1)]);
        while_learning(tape)
    }] {
        let found = seen.one("external_ics");
        assert_eq!((found.basis, found.severity), (Basis::Rule, Severity::Critical));
        assert!(found.summary.contains("seen in content"), "{}", found.summary);
        assert!(seen.of("it_to_ics").is_empty());
    }
}

#[test]
fn something_else_on_a_modbus_port_is_modbus_by_port_only() {
    let mut tape = Tape::new();
    let hello = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    tape.talk((OUTSIDE, plc(1), 502), LATER, SEC, &[(hello, b"?".to_vec())]);
    let seen = after_learning(tape);
    let found = seen.one("external_ics");
    assert_eq!(found.severity, Severity::High);
    assert!(
        found.summary.starts_with("possible") && found.summary.contains("by port only"),
        "{}",
        found.summary
    );
}

#[test]
fn a_failed_modbus_connection_outwards_is_told_by_its_port() {
    let mut tape = Tape::new();
    tape.refused(OFFICE, OUTSIDE, 502, LATER);
    let seen = after_learning(tape);
    assert!(seen.one("external_failures").summary.contains("by port only"));
    assert!(seen.of("external_ics").is_empty());
}

/// Small connections outwards, at these seconds.
fn calls(seconds: impl Iterator<Item = u64>) -> Tape {
    let mut tape = Tape::new();
    for at in seconds {
        tape.talk((OFFICE, OUTSIDE, 8443), LATER + at * SEC, SEC / 10, &[(vec![1; 90], vec![2; 60])]);
    }
    tape
}

#[test]
fn a_connection_a_minute_to_a_rare_endpoint_is_a_beacon() {
    let seen = after_learning(calls((0..40).map(|n| n * 60 + n % 3)));
    let found = seen.one("beacon");
    assert_eq!(found.basis, Basis::Statistical);
    assert!(found.summary.contains("60 s") || found.summary.contains("61 s"), "{}", found.summary);
}

#[test]
fn a_person_at_work_is_no_beacon() {
    let mut at = 0;
    let mut rng = isthmus_tests::rng::Rng::new(7);
    let times: Vec<u64> = (0..60)
        .map(|_| {
            at += 1 + rng.exponential(90.0) as u64;
            at
        })
        .collect();
    assert!(after_learning(calls(times.into_iter())).of("beacon").is_empty());
}

#[test]
fn a_place_the_site_always_called_is_no_beacon() {
    let mut past = Tape::ordinary();
    past.talk((OFFICE, OUTSIDE, 8443), START + MIN, SEC, &[(vec![1; 90], vec![2; 60])]);
    let seen = judge(learn(past), calls((0..40).map(|n| n * 60)));
    assert!(seen.of("beacon").is_empty(), "{:?}", seen.summaries());
}

/// An hour of a day in which SCADA sends `kb` kilobytes out in each of `n` connections.
fn uploads(n: u64, kb: usize, at: u64) -> Tape {
    let mut tape = Tape::new();
    for i in 0..n {
        tape.talk((SCADA, OUTSIDE, 443), at + i * 30 * SEC, SEC / 10, &[(vec![7; kb * 1000], vec![2; 60])]);
    }
    tape
}

#[test]
fn what_leaves_ot_bit_by_bit_is_judged_by_the_day() {
    let seen = after_learning(uploads(60, 300, LATER));
    let found = seen.one("data_transfer");
    assert!(found.summary.contains("bit by bit"), "{}", found.summary);
    assert!(after_learning(uploads(60, 20, LATER)).of("data_transfer").is_empty());
}

/// The historian: it stands among what drives controllers, polls none itself, and serves its pages to the office.
const HISTORIAN: [u8; 4] = [10, 20, 0, 6];

/// A plant whose historian speaks no industrial protocol, for `days` days; every night `backup` kilobytes go outside.
fn with_historian(days: u64, backup: usize) -> Tape {
    let mut tape = Tape::ordinary();
    for n in 7..=8 {
        tape.poll([10, 20, 0, n], plc(n), START + SEC, 3);
    }
    for day in 0..days {
        let at = START + day * DAY;
        tape.talk((OFFICE, HISTORIAN, 8443), at + MIN, SEC, &[(vec![1; 90], vec![2; 6000])]);
        if backup > 0 {
            tape.talk(
                (HISTORIAN, OUTSIDE, 443),
                at + 15 * HOUR,
                SEC / 10,
                &[(vec![7; backup * 1000], vec![2; 60])],
            );
        }
    }
    tape
}

/// `kb` kilobytes every half hour of a day, across midnight UTC.
fn slow_upload(client: [u8; 4], from: u64, kb: usize) -> Tape {
    let mut tape = Tape::new();
    for n in 0..47 {
        tape.talk(
            (client, [203, 0, 113, 140], 443),
            from + n * 30 * MIN,
            SEC / 10,
            &[(vec![7; kb * 1000], vec![2; 60])],
        );
    }
    tape
}

#[test]
fn a_historian_that_sends_a_little_every_half_hour_is_found_within_the_day() {
    let seen = judge(learn(with_historian(1, 0)), slow_upload(HISTORIAN, START + DAY, 400));
    let found = seen.one("data_transfer");
    assert_eq!((found.actor, found.basis), (HISTORIAN.into(), Basis::Statistical));
    assert!(found.summary.contains("among hosts of OT"), "{}", found.summary);
    // 14 MB: seven on either side of midnight UTC.
    let seen = judge(learn(with_historian(1, 0)), slow_upload(HISTORIAN, START + DAY, 300));
    assert_eq!(seen.of("data_transfer").len(), 1, "{:#?}", seen.summaries());
}

#[test]
fn a_nightly_backup_outside_that_was_learned_is_ordinary() {
    let mut tape = Tape::new();
    for day in 14..20 {
        let at = START + day * DAY + 15 * HOUR + 10 * MIN;
        tape.talk((HISTORIAN, OUTSIDE, 443), at, SEC / 10, &[(vec![7; 17_000_000], vec![2; 60])]);
    }
    let seen = judge(learn(with_historian(14, 15_000)), tape);
    assert!(seen.of("data_transfer").is_empty(), "{:#?}", seen.summaries());
}

#[test]
fn a_desk_that_sends_as_much_outside_is_office_life() {
    let seen = judge(learn(with_historian(1, 0)), slow_upload(OFFICE, START + DAY, 400));
    assert!(seen.of("data_transfer").is_empty(), "{:#?}", seen.summaries());
}

/// An office asks a rare place, which answers with this chain.
fn answered_by(chain: Vec<&'static [u8]>) -> Seen {
    let handshake = tls::Handshake { chain, ..tls::Handshake::nameless(&[]) };
    let [hello, certificates, ..] = handshake.flights(&mut isthmus_tests::rng::Rng::new(3));
    let mut tape = Tape::new();
    tape.talk((OFFICE, OUTSIDE, 443), LATER, SEC, &[(hello, certificates)]);
    after_learning(tape)
}

#[test]
fn a_certificate_that_vouches_for_itself_is_told_and_a_chain_to_a_private_root_is_not() {
    use tls::certificate::{CA_ISSUING, CA_LEAF, SELF_ISSUED_ECDSA, SELF_SIGNED_ECDSA};
    for (chain, told) in [
        (vec![SELF_SIGNED_ECDSA], 1),
        (vec![SELF_SIGNED_ECDSA, CA_ISSUING], 1),
        (vec![SELF_ISSUED_ECDSA], 0),
        (vec![CA_LEAF, CA_ISSUING], 0),
        (vec![CA_LEAF, CA_ISSUING, SELF_SIGNED_ECDSA], 0),
    ] {
        let of = chain.len();
        let seen = answered_by(chain);
        assert_eq!(seen.of("tls_self_signed").len(), told, "{of} certificates: {:#?}", seen.summaries());
    }
}
