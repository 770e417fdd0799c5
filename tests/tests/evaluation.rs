//! A small slice of `cargo xtask evaluate`, always run: one seed, a short past, the families whose outcome leaves no room.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

use std::path::Path;
use std::sync::LazyLock;

use isthmus_tests::evaluation::{Learned, Method, judge};
use isthmus_tests::scenario::family::by_id;
use isthmus_tests::scenario::parse_time;

/// One past for all tests.
fn learned() -> &'static Learned {
    static LEARNED: LazyLock<Learned> = LazyLock::new(|| {
        let start_ns = parse_time("2026-03-11T13:00:00Z").unwrap();
        let method = Method { days: 4, start_ns, shortened: Some(1) };
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluation");
        let _ = std::fs::remove_dir_all(&scratch);
        Learned::learn(11, method, &scratch).unwrap()
    });
    &LEARNED
}

#[test]
fn a_benign_past_raises_nothing_while_it_is_learned() {
    assert_eq!(learned().findings, 0);
}

#[test]
fn every_attack_of_the_slice_is_told_and_its_actor_named() {
    for id in ["seed_story", "one_write", "plc_stop", "program_download", "external_modbus"] {
        let outcome = judge(by_id(id).unwrap(), learned()).unwrap();
        assert!(outcome.all_named(), "{id}: {:?} in an incident", outcome.actors);
        for expectation in &outcome.expected {
            let delay = expectation.delay_ns;
            assert!(delay.is_some(), "{id}: {} missed", expectation.model);
            // A hard rule needs no second look: the record that carries the command is the finding's.
            if expectation.exact && ["controller_state", "reprogram"].contains(&expectation.model) {
                assert_eq!(delay, Some(0), "{id}: {}", expectation.model);
            }
        }
    }
}

#[test]
fn a_benign_day_stays_within_the_alert_budget() {
    let outcome = judge(by_id("ordinary_week").unwrap(), learned()).unwrap();
    assert!(outcome.false_alarms.len() <= 1, "{:#?}", outcome.false_alarms);
}
