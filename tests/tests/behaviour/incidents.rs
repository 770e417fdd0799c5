//! What belongs together.

use isthmus::incident::State;
use isthmus_tests::conversation::{DAY, SEC};
use isthmus_tests::payload::rdp::{HYBRID, connection_confirm, connection_request};

use crate::site::*;

/// A remote desktop into SCADA; answered or not.
fn enter(tape: &mut Tape, client: [u8; 4], answered: bool, at: u64) {
    let request = connection_request(Some("admin"), 0, HYBRID);
    if answered {
        tape.talk((client, SCADA, 3389), at, SEC, &[(request, connection_confirm(HYBRID))]);
    } else {
        tape.talk((client, SCADA, 3389), at, SEC, &[(request, Vec::new())]);
    }
}

/// SCADA does something it never did.
fn act(tape: &mut Tape, at: u64) {
    tape.talk((SCADA, plc(50), 502), at, SEC, &[write(1)]);
}

#[test]
fn who_gets_into_a_host_and_goes_on_from_there_is_one_incident() {
    let mut tape = Tape::new();
    enter(&mut tape, STRANGER, true, LATER);
    act(&mut tape, LATER + 600 * SEC);
    let seen = after_learning(tape);
    assert_eq!(seen.incidents.len(), 1, "{:#?}", seen.summaries());
    assert_eq!(seen.incidents[0].actors, [STRANGER.into(), isthmus::state::SiteAddr::from(SCADA)]);
    assert!(!seen.incidents[0].history.steps.is_empty());
}

#[test]
fn a_desktop_that_was_not_answered_is_no_way_in() {
    let mut tape = Tape::new();
    enter(&mut tape, STRANGER, false, LATER);
    act(&mut tape, LATER + 600 * SEC);
    assert_eq!(after_learning(tape).incidents.len(), 2);
}

#[test]
fn what_happened_before_somebody_came_in_is_not_theirs() {
    let mut tape = Tape::new();
    act(&mut tape, LATER);
    enter(&mut tape, STRANGER, true, LATER + 600 * SEC);
    assert_eq!(after_learning(tape).incidents.len(), 2);
}

#[test]
fn a_shared_target_makes_incidents_related_and_not_one() {
    let mut tape = Tape::new();
    tape.talk((STRANGER, plc(1), 502), LATER, SEC, &[read(1)]);
    tape.talk(([10, 10, 0, 67], plc(1), 502), LATER + 60 * SEC, SEC, &[read(1)]);
    let seen = after_learning(tape);
    assert_eq!(seen.incidents.len(), 2);
    assert_eq!(seen.incidents[1].related, [seen.incidents[0].number]);
}

#[test]
fn an_incident_grows_quiet_and_closes_and_the_next_day_is_another() {
    let world = learn(Tape::ordinary());
    let mut tape = Tape::new();
    tape.talk((STRANGER, plc(1), 502), LATER, SEC, &[read(1)]);
    tape.poll(SCADA, plc(1), LATER + 2 * DAY, 3);
    let (world, incidents, seen) = judge_on(world, Default::default(), tape);
    assert_eq!(seen.incidents[0].state, State::Closed);
    let mut tape = Tape::new();
    tape.talk((STRANGER, plc(1), 502), LATER + 2 * DAY + 60 * SEC, SEC, &[read(1)]);
    let (.., seen) = judge_on(world, incidents, tape);
    assert_eq!(seen.incidents.len(), 2, "{:#?}", seen.summaries());
}
