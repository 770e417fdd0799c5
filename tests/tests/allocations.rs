//! Commands come thousands a second, for years: what is said all day costs no allocation.

use isthmus::observer::Silent;
use isthmus::protocol::by_name;
use isthmus::source::Record;
use isthmus::state::world::Settings;
use isthmus::time::Time;
use isthmus_tests::dialogue::{self, Dialogue};
use isthmus_tests::recorded::{engine, of_frames};

/// Polls while the site is learned, then while it is judged, then while it is counted.
const LEARNED: u32 = 100;
const JUDGED: u32 = 100;
const COUNTED: u32 = 200;

/// Who says what it is whenever it is asked: the statements are handed on as texts of their own. Nobody polls with it.
const EXCEPTIONS: [&str; 1] = ["profinet-dcp"];

fn is_industrial(dialogue: &Dialogue) -> bool {
    by_name(dialogue.protocol).is_some_and(|spec| spec.industrial)
}

/// Allocations over all counted polls, in frames and reports of flows alike, from the packet path's record to the last
/// detector.
fn allocations(dialogue: &Dialogue) -> u64 {
    let mut engine = engine(Settings::default());
    let records =
        of_frames(dialogue.protocol, dialogue.frames(LEARNED + JUDGED + COUNTED)).expect("records of frames");
    let after = |polls: u32| Time(dialogue::BEGIN + u64::from(polls + 1) * dialogue::PERIOD);
    let (mut frames, mut count) = (0, 0);
    for record in &records {
        let record = record.record();
        let (at, is_frame) = match &record {
            Record::Frame(frame) => (frame.at, true),
            Record::Flow(flow) => (flow.at, false),
            // Once a second tables are looked through, and what changed is noted anew.
            _ => (Time(0), false),
        };
        if at >= after(LEARNED) && !engine.mind.world.site.graduated {
            engine.mind.world.graduate();
        }
        if at >= after(LEARNED + JUDGED) {
            frames += u32::from(is_frame);
            count += allocation_counter::measure(|| engine.record(record, &mut Silent)).count_total;
        } else {
            engine.record(record, &mut Silent);
        }
    }
    assert!(frames >= COUNTED || !is_industrial(dialogue), "{}: {frames} frames", dialogue.protocol);
    count
}

#[test]
fn a_poll_of_a_known_pair_allocates_nothing() {
    let counted: Vec<_> = dialogue::all()
        .iter()
        .filter(|dialogue| is_industrial(dialogue) && !EXCEPTIONS.contains(&dialogue.protocol))
        .map(|dialogue| (dialogue.protocol, allocations(dialogue)))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(counted, [], "allocations in {COUNTED} polls");
}
