use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{self, commands, feed, hex};

fn one(side: Side, text: &str) -> Command {
    let events = feed(&mut Decoder::default(), side, &hex(text), &[]);
    let [Event::Command(command)] = &events[..] else { panic!("{events:?}") };
    command.clone()
}

#[test]
fn a_command_its_confirmation_and_its_end() {
    let asked = one(Side::Client, "680e060048002d0106000a000d000001");
    assert_eq!((asked.name, &*asked.code_text), ("C_SC_NA_1 single command", "45/6"));
    assert_eq!((asked.action, asked.direction, asked.unit), (Action::Write, Direction::Request, Some(10)));
    assert_eq!((asked.object.as_deref(), asked.code), (Some("ioa 13 execute on"), 45 << 8 | 6));
    let confirmed = one(Side::Server, "680e480008002d0107000a000d000001");
    assert_eq!((confirmed.action, confirmed.status), (Action::Write, Status::Ok));
    let ended = one(Side::Server, "680e4a0008002d010a000a000d000001");
    assert_eq!((ended.action, ended.direction), (Action::Session, Direction::Notification));
}

#[test]
fn a_negative_confirmation_and_unknown_addresses_refuse() {
    let refused = one(Side::Server, "680e480008002d0147000a000d000001");
    assert_eq!(refused.status, Status::Refused(7, "negative confirmation"));
    for (cause, name) in [
        ("2c", "unknown type identification"),
        ("2d", "unknown cause of transmission"),
        ("2e", "unknown common address"),
        ("2f", "unknown information object address"),
    ] {
        let refused = one(Side::Server, &format!("680e480008002d01{cause}000a000d000001"));
        assert!(matches!(refused.status, Status::Refused(44..=47, said) if said == name), "{refused:?}");
    }
}

#[test]
fn selecting_is_told_from_executing() {
    assert_eq!(
        one(Side::Client, "680e06004800 2e0106000a000d0000 82").object.as_deref(),
        Some("ioa 13 select on")
    );
    let set = one(Side::Client, "6812 06004800 320106000a000d0000 0000803f 80");
    assert_eq!((set.name, set.object.as_deref()), ("C_SE_NC_1 set-point, float", Some("ioa 13 select")));
}

#[test]
fn a_reset_of_the_process_is_control_and_a_clock_is_configuration() {
    assert_eq!(one(Side::Client, "680e06004800 690106000a00 000000 01").action, Action::Control);
    let clock = one(Side::Client, "6814 06004800 670106000a00 000000 3110170884070d");
    assert_eq!(clock.action, Action::Configure);
}

#[test]
fn measurements_are_notifications_and_several_frames_stand_in_one_segment() {
    let bytes =
        hex("680401000200 6804430000 00 681204000200 0d0103000a00 010000 0000803f 00 681204000200 0d0103");
    let events = feed(&mut Decoder::default(), Side::Server, &bytes, &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (&*c.code_text, c.direction, c.action)).collect();
    assert_eq!(
        told,
        [
            ("S", Direction::Notification, Action::Session),
            ("U/0x43", Direction::Request, Action::Session),
            ("13/3", Direction::Notification, Action::Read),
        ]
    );
}

#[test]
fn a_file_is_read_from_a_station_and_written_to_it() {
    let segment = "6814 06004800 7d010d000a00 010000 01000102aabb 00";
    assert_eq!(one(Side::Client, segment).action, Action::Program);
    assert_eq!(one(Side::Server, segment).action, Action::Read);
}

#[test]
fn what_the_standard_does_not_allow_is_malformed() {
    for (bytes, expected) in [
        ("6803 07000000", Malformed::BadLength),
        ("6805 07000000 00", Malformed::BadLength),
        ("6804 ff000000", Malformed::BadValue),
        ("6806 00000000 6401", Malformed::BadLength),
        ("680e 00000000 120106000a00 000000 14", Malformed::BadValue),
        ("680e 00000000 640130000a00 000000 14", Malformed::BadValue),
        ("680e 00000000 640206000a00 000000 14", Malformed::BadLength),
        ("0564 05c9", Malformed::BadVersion),
    ] {
        let events = feed(&mut Decoder::default(), Side::Client, &hex(bytes), &[]);
        assert!(events.contains(&Event::Malformed(expected)), "{bytes}: {events:?}");
    }
}

#[test]
fn after_a_gap_the_next_sound_frame_is_found() {
    let bytes = hex("0000 6814 11 680e060048002d0106000a000d000001");
    let mut out = Vec::new();
    let input = Input { bytes: &bytes, side: Side::Client, truncated: false, gap: true };
    assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
    assert!(
        matches!(&out[..], [Event::Command(command)] if command.name.starts_with("C_SC_NA_1")),
        "{out:?}"
    );
}

#[test]
fn strangers_are_refused_and_its_own_are_known_anywhere() {
    for hinted in [true, false] {
        for stranger in testing::STRANGERS {
            assert_ne!(testing::ask(&SPEC, stranger, hinted), Verdict::Yes, "{stranger:?}");
        }
        assert_ne!(testing::ask(&SPEC, b"hello world, this is no telecontrol at all", hinted), Verdict::Yes);
        assert_eq!(testing::ask(&SPEC, &hex("680407000000"), hinted), Verdict::Yes);
        assert_eq!(testing::ask(&SPEC, &hex("680407"), hinted), Verdict::NeedMore);
    }
    // An acknowledgement alone is six bytes of little meaning.
    assert_eq!(testing::ask(&SPEC, &hex("680401000200"), true), Verdict::Yes);
    assert_eq!(testing::ask(&SPEC, &hex("680401000200"), false), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn near_frames_are_survived(len in 0_u8..40, id: u8, qualifier: u8, cause: u8, rest: Vec<u8>) {
        testing::survives(&SPEC, &[&[START, len, 0, 0, 0, 0, id, qualifier, cause][..], &rest].concat())?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments_among_garbage_either(
        parts in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12)), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        testing::same_among_garbage(&SPEC, &[hex("680407000000"), hex("680e060048002d0106000a000d000001")], &parts, &cuts)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(
        frames in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 3..40)), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (id, qualifier, cause, data) in frames {
            bytes.extend([START, data.len() as u8 + 10, 0, 0, 0, 0, id, qualifier, cause, 0, 1, 0]);
            bytes.extend(data);
        }
        testing::same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
