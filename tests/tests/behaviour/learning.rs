//! What is learned, when, and from whom not.

use isthmus::state::host::DeviceStage;
use isthmus::state::world::Settings;
use isthmus_tests::conversation::{DAY, SEC};

use crate::site::*;

/// A host that is active on the first `active` of `days` days; the SCADA is every day.
fn weeks(days: u64, active: u64) -> Tape {
    let mut tape = Tape::new();
    for day in 0..days {
        tape.poll(SCADA, plc(1), START + day * DAY, 3);
        if day < active {
            tape.poll(OFFICE, plc(2), START + day * DAY + 100 * SEC, 3);
        }
    }
    tape
}

fn stage_after(days: u64, active: u64) -> DeviceStage {
    let (world, ..) = judge_on(world(Settings::default()), Default::default(), weeks(days, active));
    world.stage(OFFICE.into())
}

#[test]
fn learning_takes_days_and_activity_on_two_thirds_of_them() {
    assert_eq!(stage_after(10, 10), DeviceStage::Learning);
    assert_eq!(stage_after(16, 3), DeviceStage::Dynamic);
    assert_eq!(stage_after(16, 12), DeviceStage::Operational);
}

#[test]
fn in_the_dynamic_stage_what_is_new_is_told_and_numbers_are_not() {
    let (world, ..) = judge_on(world(Settings::default()), Default::default(), weeks(16, 3));
    let (office, nobody) = (OFFICE.into(), isthmus::state::SiteAddr::from([10, 99, 0, 1]));
    assert!(world.judges(office, nobody) && !world.judges_numbers(office, nobody));
    let mut tape = Tape::new();
    let later = START + 16 * DAY;
    tape.talk((OFFICE, plc(7), 502), later, SEC, &[write(1)]);
    let seen = judge(world, tape);
    assert!(!seen.of("new_action").is_empty(), "{:#?}", seen.summaries());
}

#[test]
fn an_intruders_second_session_is_not_known() {
    let world = learn(Tape::ordinary());
    let mut tape = Tape::new();
    for day in 0..3 {
        tape.talk((STRANGER, plc(1), 502), LATER + day * DAY, SEC, &[write(1)]);
    }
    let (_, incidents, seen) = judge_on(world, Default::default(), tape);
    let writes = seen.of("new_action");
    let times: u64 = writes.iter().map(|f| incidents.finding(f.number).unwrap().count).sum();
    assert!(times >= 3, "{:#?}", seen.summaries());
}

#[test]
fn what_nobody_found_unusual_becomes_usual_also_after_learning() {
    let mut tape = Tape::new();
    let server = [10, 10, 0, 40];
    tape.talk((OFFICE, server, 8080), LATER, SEC, &[(vec![1], vec![2])]);
    let (world, _, seen) = judge_on(learn(Tape::ordinary()), Default::default(), tape);
    seen.silent();
    let known = world.talks().find(|(key, _)| key.server == isthmus::state::SiteAddr::from(server)).unwrap();
    assert!(known.1.taught);
}
