//! Devices that fall silent, or say that they are another.

use isthmus::detect::finding::Severity;
use isthmus_tests::conversation::{From, SEC};
use isthmus_tests::payload::modbus;

use crate::site::*;

/// Polls `of` until `dies`, then asks on: requests without an answer, then connections.
fn until_it_dies(tape: &mut Tape, of: [u8; 4], asks_on: bool) {
    let mut session = tape.connect(SCADA, of, 502, LATER);
    session.open();
    for tid in 0..60 {
        let (request, answer) = read(tid);
        session.wait(SEC);
        session.send_expecting_answer(From::Client, &request);
        session.send(From::Server, &answer);
    }
    if asks_on {
        session.send_expecting_answer(From::Client, &read(61).0);
    }
    tape.add(session);
    for n in 0..8 {
        if asks_on {
            tape.unanswered(SCADA, of, 502, LATER + (75 + 10 * n) * SEC);
        }
    }
}

/// Something goes on elsewhere, so that time passes.
fn meanwhile(tape: &mut Tape) {
    tape.poll(SCADA, plc(9), LATER, 240);
}

fn past() -> Tape {
    let mut past = Tape::ordinary();
    past.poll(SCADA, plc(9), START, 10);
    past
}

#[test]
fn a_controller_that_no_longer_answers_its_poller_is_told_once() {
    let mut tape = Tape::new();
    until_it_dies(&mut tape, plc(1), true);
    meanwhile(&mut tape);
    let seen = judge(learn(past()), tape);
    let found = seen.one("silent_device");
    assert_eq!(found.severity, Severity::Medium);
    assert_eq!(found.actor, isthmus::state::SiteAddr::from(plc(1)));
}

#[test]
fn a_controller_nobody_asks_any_more_is_not_silent() {
    let mut tape = Tape::new();
    until_it_dies(&mut tape, plc(1), false);
    meanwhile(&mut tape);
    assert!(judge(learn(past()), tape).of("silent_device").is_empty());
}

#[test]
fn three_that_fall_silent_together_are_a_segment() {
    let mut tape = Tape::new();
    (1..=4).for_each(|n| until_it_dies(&mut tape, plc(n), true));
    meanwhile(&mut tape);
    let seen = judge(learn(past()), tape);
    let segment = seen.of("silent_device").into_iter().find(|f| f.summary.starts_with("segment")).unwrap();
    assert_eq!((segment.severity, segment.targets_total), (Severity::High, 4));
    let children = seen.of("silent_device").into_iter().filter(|f| f.absorbed_by.is_some()).count();
    assert_eq!(children, 0, "{:#?}", seen.summaries());
    assert_eq!(seen.incidents.len(), 1, "{:#?}", seen.summaries());
}

fn states(revisions: &[&str]) -> Seen {
    let mut past = Tape::ordinary();
    let ask = |tid: u16, revision: &str| {
        (modbus::identify(tid, 1), modbus::identity(tid, 1, "Maker", "Product", revision))
    };
    past.talk((SCADA, plc(1), 502), START + 70 * SEC, SEC, &[ask(1, revisions[0])]);
    let mut tape = Tape::new();
    let pairs: Vec<_> = (2..).zip(&revisions[1..]).map(|(tid, revision)| ask(tid, revision)).collect();
    tape.talk((SCADA, plc(1), 502), LATER, 5 * SEC, &pairs);
    judge(learn(past), tape)
}

#[test]
fn other_firmware_is_a_change_and_the_same_is_none() {
    let seen = states(&["V1.0", "V2.0", "V2.0"]);
    let found = seen.one("asset_change");
    assert!(found.summary.contains("`V2.0`") && found.summary.contains("`V1.0`"), "{}", found.summary);
    states(&["V1.0", "V1.0"]).silent();
}

#[test]
fn modules_behind_one_address_that_answer_in_turns_are_no_change() {
    let mut past = Tape::ordinary();
    let ask = |tid: u16| {
        let revision = if tid.is_multiple_of(2) { "V1.0" } else { "V7.3" };
        (modbus::identify(tid, 1), modbus::identity(tid, 1, "Maker", "Product", revision))
    };
    past.talk((SCADA, plc(1), 502), START + 70 * SEC, SEC, &[ask(0), ask(1), ask(2)]);
    let mut tape = Tape::new();
    let pairs: Vec<_> = (1..20).map(ask).collect();
    tape.talk((SCADA, plc(1), 502), START + 80 * SEC, SEC, &pairs);
    assert!(judge(learn(past), tape).of("asset_change").is_empty());
}

#[test]
fn a_gap_between_records_is_no_silence_of_a_device() {
    let mut tape = Tape::new();
    let mut session = tape.connect(SCADA, plc(1), 502, LATER);
    session.open();
    for tid in 0..60 {
        let (request, answer) = read(tid);
        session.wait(SEC);
        session.send_expecting_answer(From::Client, &request);
        session.send(From::Server, &answer);
    }
    for tid in 60..70 {
        session.send_expecting_answer(From::Client, &read(tid).0);
    }
    tape.add(session);
    // Nothing at all is recorded for a minute, and for years.
    tape.poll(SCADA, plc(9), LATER + 125 * SEC, 3);
    tape.poll(SCADA, plc(9), LATER + 100_000_000 * SEC, 40);
    assert!(judge(learn(past()), tape).of("silent_device").is_empty());
}
