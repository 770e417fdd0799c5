//! S7comm-plus: tshark does not know it, so the figures are read off the packets.

use isthmus::protocol::{Action, Direction};
use isthmus::state::world::Settings;

use crate::helper::{answered, check, replay};

#[test]
fn requests_and_responses_are_those_read_off_the_packets() {
    check(
        "s7comm-plus",
        &[
            ("s7plus_hmi.pcap", 0, &answered("0x04ca x1, 0x0542 x2, 0x054c x9")),
            (
                "s7plus_upload_ob1.pcap",
                0,
                &answered(
                    "0x04bb x2, 0x04ca x2, 0x04d4 x1, 0x0524 x2, 0x0542 x1, 0x054c x22, 0x0556 x2, 0x0560 x2, \
                     0x0586 x9",
                ),
            ),
        ],
    );
}

#[test]
fn a_block_is_downloaded_where_the_capture_does() {
    let Some(seen) = replay("s7plus_upload_ob1.pcap", Settings::default()) else { return };
    let programs: Vec<_> = seen
        .of("s7comm-plus")
        .filter(|command| command.action == Action::Program)
        .map(|command| (command.direction, command.object.as_deref()))
        .collect();
    assert_eq!(programs, [(Direction::Request, Some("Main")), (Direction::Response, Some("Main"))]);
}
