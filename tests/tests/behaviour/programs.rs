//! Programs, stops and writes.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::SEC;
use isthmus_tests::payload::{modbus, s7};

use crate::site::*;

const ENGINEER: [u8; 4] = [10, 20, 0, 7];

/// A stop, a download and a start of one controller, as the engineering tool does it.
fn maintenance(tape: &mut Tape, of: [u8; 4], at: u64) {
    let block = s7::Block { kind: *b"08", number: 1 };
    let mut pairs = s7_opening();
    pairs.extend([
        (s7::stop(2), s7::stopped(2)),
        (s7::download_request(3, block, 100, 80), s7::download_accepted(3)),
        (s7::insert_block(5, block), s7::service_done(5)),
        (s7::start(6), s7::service_done(6)),
    ]);
    tape.talk((ENGINEER, of, 102), at, SEC, &pairs);
}

#[test]
fn a_stop_a_download_and_a_start_are_one_reprogram() {
    let mut tape = Tape::new();
    maintenance(&mut tape, plc(1), LATER);
    let seen = after_learning(tape);
    let found = seen.one("reprogram");
    assert_eq!((found.basis, found.severity, found.accepted), (Basis::Rule, Severity::Critical, Some(true)));
    assert_eq!(seen.one("controller_state").absorbed_by, Some(found.number));
}

#[test]
fn the_stop_of_another_controller_is_not_part_of_a_download() {
    let mut tape = Tape::new();
    let mut pairs = s7_opening();
    pairs.push((s7::stop(2), s7::stopped(2)));
    tape.talk((ENGINEER, plc(2), 102), LATER, SEC, &pairs);
    maintenance(&mut tape, plc(1), LATER + 30 * SEC);
    let seen = after_learning(tape);
    let other = seen
        .of("controller_state")
        .into_iter()
        .find(|f| f.targets[0].ip == isthmus::state::SiteAddr::from(plc(2)));
    assert_eq!(other.unwrap().absorbed_by, None);
}

#[test]
fn a_named_engineering_station_weighs_less_and_an_inferred_one_never() {
    let severity = |config: &str| {
        let mut past = Tape::ordinary();
        maintenance(&mut past, plc(1), START + 100 * SEC);
        let mut tape = Tape::new();
        maintenance(&mut tape, plc(1), LATER);
        judge(learn_with(config, past).0, tape).one("reprogram").severity
    };
    assert_eq!(severity(""), Severity::Critical);
    let named = "[[asset]]\nname = \"es\"\nip = \"10.20.0.7\"\nrole = \"engineering\"\n";
    assert_eq!(severity(named), Severity::High);
}

#[test]
fn rule_hits_in_the_learned_past_are_told_and_teach_nothing() {
    let mut past = Tape::ordinary();
    maintenance(&mut past, plc(1), START + 100 * SEC);
    let (world, told) = learn_with("", past);
    assert_eq!(told.models(), ["controller_state", "reprogram"]);
    let mut tape = Tape::new();
    maintenance(&mut tape, plc(1), LATER);
    let seen = judge(world, tape);
    assert_eq!(seen.one("reprogram").severity, Severity::Critical);
}

#[test]
fn a_refused_write_weighs_less_than_an_accepted_one() {
    let write = |answer: Vec<u8>| {
        let mut tape = Tape::new();
        tape.talk((STRANGER, plc(1), 502), LATER, SEC, &[(modbus::write_register(1, 1, 7, 1), answer)]);
        let seen = after_learning(tape);
        (seen.one("new_action").severity, seen.one("new_action").accepted)
    };
    assert_eq!(write(modbus::write_register(1, 1, 7, 1)), (Severity::High, Some(true)));
    assert_eq!(write(modbus::exception(1, 1, 6, 1)), (Severity::Medium, Some(false)));
}

#[test]
fn a_strangers_first_word_to_a_known_controller_is_news() {
    let mut tape = Tape::new();
    tape.talk((STRANGER, plc(1), 502), LATER, SEC, &[read(1)]);
    let seen = after_learning(tape);
    let found = seen.one("it_to_ics");
    assert_eq!((found.basis, found.severity), (Basis::FirstSeen, Severity::High));
    assert_eq!(seen.incidents.len(), 1);
}

#[test]
fn what_only_looks_new_without_a_past_is_read_and_no_incident() {
    let mut tape = Tape::new();
    tape.talk((STRANGER, plc(1), 502), LATER, SEC, &[write(1)]);
    let seen = at_once(tape);
    assert_eq!(seen.one("new_action").basis, Basis::NoBaseline);
    assert!(seen.incidents.is_empty());
}
