//! Where hosts belong, and what they are.

use isthmus::state::Kind;
use isthmus_tests::conversation::SEC;

use crate::site::*;

#[test]
fn a_subnet_is_ot_by_the_majority_of_its_hosts() {
    let quiet = [10, 20, 1, 200];
    let mut tape = Tape::ordinary();
    tape.touch(quiet, plc(1), 8080, START);
    let world = learn(tape);
    // Four controllers of five hosts in 10.20.1.0/24; SCADA by what it does; the office is none.
    assert_eq!(world.kind(quiet.into()), Kind::Ot);
    assert!(world.zone_reason(quiet.into()).contains("10.20.1.0/24"), "{}", world.zone_reason(quiet.into()));
    assert_eq!(world.kind(SCADA.into()), Kind::Ot);
    assert_eq!(world.kind(OFFICE.into()), Kind::It);
}

#[test]
fn one_controller_among_office_hosts_does_not_make_the_office_ot() {
    let mut tape = Tape::ordinary();
    tape.poll(SCADA, [10, 10, 0, 200], START, 5);
    let world = learn(tape);
    assert_eq!(world.kind([10, 10, 0, 200].into()), Kind::Ot);
    assert_eq!(world.kind(OFFICE.into()), Kind::It);
}

#[test]
fn after_learning_a_host_that_answers_industrial_content_is_proposed_and_not_believed() {
    let server = [10, 10, 0, 30];
    let mut tape = Tape::new();
    tape.talk((OFFICE, server, 502), LATER, SEC, &[read(1), read(2)]);
    let (world, ..) = judge_on(learn(Tape::ordinary()), Default::default(), tape);
    assert_eq!(world.kind(server.into()), Kind::It);
    assert!(world.zone_reason(server.into()).starts_with("proposed for ot"));
}

#[test]
fn an_unanswered_industrial_port_makes_nobody_ot() {
    let mut tape = Tape::ordinary();
    tape.unanswered(OFFICE, plc(77), 502, START);
    tape.touch(OFFICE, plc(1), 502, START + SEC);
    assert_eq!(learn(tape).kind(OFFICE.into()), Kind::It);
}

#[test]
fn roles_follow_from_what_was_ordinary() {
    let world = learn(Tape::ordinary());
    assert_eq!(world.role_name(plc(1).into()), "controller");
    let (role, why) = world.role(SCADA.into());
    assert!(role == "hmi" || role == "scada", "{role}");
    assert!(why.contains("4 controllers by modbus"), "{why}");
    // An intruder's own polling makes it nothing.
    let mut tape = Tape::new();
    (1..=4).for_each(|n| tape.poll(STRANGER, plc(n), LATER, 5));
    let (world, ..) = judge_on(world, Default::default(), tape);
    assert_eq!(world.role_name(STRANGER.into()), "host");
}

#[test]
fn two_public_addresses_of_one_prefix_are_local_to_each_other() {
    let (a, b) = ([141, 81, 0, 10], [141, 81, 0, 20]);
    let mut tape = Tape::new();
    tape.poll(a, b, START, 5);
    let world = learn(tape);
    assert_eq!((world.kind(a.into()), world.kind(b.into())), (Kind::Ot, Kind::Ot));
}
