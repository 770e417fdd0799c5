use proptest::prelude::*;

use super::*;
use crate::protocol::AssetField;
use crate::protocol::testing::{self, commands, facts, feed, hex};

const RESTART: &str = "056408c40a000100fc42 c0c00d9c86";
const OPERATE: &str = "05641ac40a0001008a1c c0c0050c012801000000030164000000dded 6400000000005b";
const OPERATED: &str = "05641c4401000a007636 c9c08100000c012801000000030164008ccd 00006400000000005b";

/// A link frame with its checksums.
fn frame(control: u8, destination: u16, source: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![5, 0x64, data.len() as u8 + 5, control];
    bytes.extend(destination.to_le_bytes());
    bytes.extend(source.to_le_bytes());
    let crc = link::checksum(&bytes).to_le_bytes();
    bytes.extend(crc);
    for block in data.chunks(16) {
        bytes.extend(block);
        bytes.extend(link::checksum(block).to_le_bytes());
    }
    bytes
}

#[test]
fn a_cold_restart_is_control_of_the_outstation() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(RESTART), &[]);
    let [restart] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((restart.name, restart.action, restart.unit), ("cold restart", Action::Control, Some(10)));
    assert_eq!((&*restart.code_text, restart.direction), ("13", Direction::Request));
}

#[test]
fn a_control_names_its_point_and_its_answer_says_what_it_answers() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(OPERATE), &[]);
    let [operate] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((operate.name, operate.object.as_deref()), ("direct operate", Some("g12v1 index 0 latch on")));
    let events = feed(&mut decoder, Side::Server, &hex(OPERATED), &[]);
    let [answer] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((answer.action, &answer.status, answer.unit), (Action::Write, &Status::Ok, Some(10)));
    assert_eq!(answer.object.as_deref(), Some("to direct operate: g12v1 index 0 latch on"));
}

#[test]
fn an_answer_refuses_by_indications_or_by_control_status() {
    let mut decoder = Decoder::default();
    let asked = frame(0xc4, 10, 1, &hex("c0 c1 04 0c01280100 0000 03016400000064000000 00"));
    feed(&mut decoder, Side::Client, &asked, &[]);
    let answer = frame(0x44, 1, 10, &hex("c0 c1 81 0000 0c01280100 0000 03016400000064000000 02"));
    let events = feed(&mut decoder, Side::Server, &answer, &[]);
    assert_eq!(commands(&events)[0].status, Status::Refused(2, "no select"));
    feed(&mut decoder, Side::Client, &frame(0xc4, 10, 1, &hex("c0 c2 12")), &[]);
    let events = feed(&mut decoder, Side::Server, &frame(0x44, 1, 10, &hex("c0 c2 81 0001")), &[]);
    assert_eq!(commands(&events)[0].status, Status::Refused(1, "function code not supported"));
    assert_eq!(commands(&events)[0].action, Action::Control);
}

#[test]
fn an_outstation_may_have_opened_the_connection() {
    let unasked = frame(0x44, 1, 10, &hex("c0 f0 82 0000 0201 17 01 00 81"));
    let events = feed(&mut Decoder::default(), Side::Client, &unasked, &[]);
    let [unasked] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((unasked.direction, unasked.unit), (Direction::Notification, Some(10)));
}

#[test]
fn what_is_written_says_what_it_is() {
    for (objects, name, action) in [
        ("3201 07 01 001122334455", "write time", Action::Configure),
        ("5001 00 07 07 00", "clear restart indication", Action::Session),
        ("0a02 00 01 01 01", "write", Action::Write),
        ("4605 5b 01 0500 78563412 aa", "write file", Action::Program),
    ] {
        let asked = frame(0xc4, 10, 1, &[hex("c0 c1 02"), hex(objects)].concat());
        let events = feed(&mut Decoder::default(), Side::Client, &asked, &[]);
        assert_eq!((commands(&events)[0].name, commands(&events)[0].action), (name, action));
    }
}

#[test]
fn device_attributes_are_facts() {
    let objects =
        b"\x00\xfc\x00\x00\x00\x01\x04Acme\x00\xfa\x00\x00\x00\x01\x03RTU\x00\xf2\x00\x00\x00\x01\x031.2";
    let answer = frame(0x44, 1, 10, &[&hex("c0 c1 81 0000"), &objects[..]].concat());
    let events = feed(&mut Decoder::default(), Side::Server, &answer, &[]);
    let expected = [(AssetField::Vendor, "Acme"), (AssetField::Model, "RTU"), (AssetField::Firmware, "1.2")];
    assert_eq!(facts(&events), expected);
}

#[test]
fn a_fragment_in_three_frames_is_one_message() {
    let bytes = [
        frame(0xc4, 10, 1, &hex("40 c1 01 3c02")),
        frame(0xc4, 10, 1, &hex("01 06 3c03")),
        frame(0xc4, 10, 1, &hex("82 06")),
    ]
    .concat();
    let events = feed(&mut Decoder::default(), Side::Client, &bytes, &[]);
    let [read] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((read.name, read.object.as_deref()), ("read", Some("class 1 2")));
}

#[test]
fn frames_of_the_link_alone_are_sessions() {
    let events = feed(&mut Decoder::default(), Side::Client, &frame(0xc9, 10, 1, &[]), &[]);
    let [status] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((status.name, status.action), ("request link status", Action::Session));
    let events = feed(&mut Decoder::default(), Side::Server, &frame(0x01, 1, 10, &[]), &[]);
    assert_eq!(commands(&events)[0].status, Status::Refused(1, "nack"));
}

#[test]
fn bad_checksums_are_malformed_and_the_next_frame_is_found() {
    for (at, malformed) in [(4, 1), (11, 1)] {
        let mut bytes = hex(RESTART);
        bytes[at] ^= 0x10;
        bytes.extend(hex(OPERATE));
        let events = feed(&mut Decoder::default(), Side::Client, &bytes, &[]);
        assert_eq!(commands(&events).len(), 1, "{events:?}");
        let bad = events.iter().filter(|event| **event == Event::Malformed(Malformed::BadChecksum)).count();
        assert_eq!(bad, malformed, "{events:?}");
    }
}

#[test]
fn unknown_functions_are_malformed() {
    let events = feed(&mut Decoder::default(), Side::Client, &frame(0xc4, 10, 1, &hex("c0 c1 46")), &[]);
    assert!(matches!(&events[..], [Event::Command(_), Event::Malformed(Malformed::BadValue)]), "{events:?}");
}

#[test]
fn a_cut_frame_still_tells_its_function() {
    let bytes = &hex(OPERATE)[..28];
    let mut out = Vec::new();
    let input = Input { bytes, side: Side::Client, truncated: true, gap: false };
    assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
    assert!(matches!(&out[..], [Event::Command(command)] if command.name == "direct operate"), "{out:?}");
}

#[test]
fn strangers_are_refused_and_its_own_are_known_anywhere() {
    for hinted in [true, false] {
        for stranger in testing::STRANGERS {
            assert_ne!(testing::ask(&SPEC, stranger, hinted), Verdict::Yes, "{stranger:?}");
        }
        assert_eq!(testing::ask(&SPEC, &hex(RESTART), hinted), Verdict::Yes);
        assert_eq!(testing::ask(&SPEC, &hex(RESTART)[..5], hinted), Verdict::NeedMore);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn any_fragment_is_survived(control: u8, data in prop::collection::vec(any::<u8>(), 0..120)) {
        testing::survives(&SPEC, &frame(control, 10, 1, &data))?;
        let fragment = [&[0xc0, 0xc0][..], &data].concat();
        testing::survives(&SPEC, &frame(0xc4, 10, 1, &fragment))?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments_among_garbage_either(
        parts in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12)), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        testing::same_among_garbage(&SPEC, &[hex(RESTART), hex(OPERATE), hex(OPERATED)], &parts, &cuts)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(
        frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..60), any::<bool>()), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (control, data, broken) in frames {
            let mut frame = frame(control | 0x44, 10, 1, &data);
            if broken {
                frame[4] ^= 1;
            }
            bytes.extend(frame);
        }
        testing::same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
