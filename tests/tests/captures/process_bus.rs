//! GOOSE against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::Action;
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn streams_and_states_are_counted_and_repetitions_are_not() {
    check(
        "goose",
        &[
            // 451 frames: 3 streams, 250 changes of state, 198 repetitions.
            ("goose_vlan0.pcap", 0, "ntf 0 x3, ntf 1 x250"),
            // 34 frames: 3 streams, 7 changes, 24 repetitions.
            ("mms_goose_mixed.pcap", 0, "ntf 0 x3, ntf 1 x7"),
        ],
    );
}

#[test]
fn states_change_as_often_as_tshark_sees_another_state_number() {
    for file in ["goose_vlan0.pcap", "mms_goose_mixed.pcap"] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let Some(rows) = tshark(file, "goose", &["eth.src", "goose.gocbRef", "goose.stNum"]) else { return };
        let (mut last, mut changes) = (BTreeMap::new(), 0);
        for row in rows {
            let before = last.insert((row[0].clone(), row[1].clone()), row[2].clone());
            changes += usize::from(before.is_some_and(|before| before != row[2]));
        }
        let told = seen.of("goose").filter(|command| command.action == Action::Write).count();
        assert_eq!(told, changes, "{file}");
    }
}
