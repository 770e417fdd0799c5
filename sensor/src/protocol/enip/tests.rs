use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{self, commands as told, facts, feed, hex};
use crate::protocol::{Action, AssetField};

const STOP: &str = "7000 1c00 01002a00 00000000 0000000000000000 00000000 \
                    00000000 0100 0200 a100 0400 224095ff b100 0800 0601 07 02 208e 2401";
const IDENTITY: &str = "6300 3300 00000000 00000000 00000000c1debed1 00000000 0100 0c00 2d00 0100 \
                        0002af12 0a0101a4 0000000000000000 0100 0c00 3a00 0403 3000 8e4d5200 \
                        0b 313735362d454e42542f41 03";

#[test]
fn a_stop_is_a_cip_command_inside_an_encapsulation_command() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(STOP), &[]);
    let [send, stop] = told(&events)[..] else { panic!("{events:?}") };
    assert_eq!((send.name, &*send.code_text, send.protocol), ("send unit data", "0x0070", None));
    assert_eq!((stop.name, &*stop.code_text, stop.protocol), ("stop", "0x07", Some("cip")));
    assert_eq!((stop.action, stop.object.as_deref()), (Action::Control, Some("class 0x8e 1")));
}

#[test]
fn a_list_identity_reply_tells_who_the_device_is() {
    let events = feed(&mut Decoder::default(), Side::Server, &hex(IDENTITY), &[]);
    assert_eq!((told(&events)[0].direction, &told(&events)[0].status), (Direction::Response, &Status::Ok));
    let expected = [
        (AssetField::Vendor, "Rockwell Automation/Allen-Bradley"),
        (AssetField::Model, "1756-ENBT/A"),
        (AssetField::Firmware, "4.3"),
        (AssetField::Serial, "0x00524d8e"),
    ];
    assert_eq!(facts(&events), expected);
}

#[test]
fn a_question_to_everybody_is_empty_whoever_is_taken_for_the_server() {
    let question = hex("6300 0000 00000000 00000000 0000000000000000 00000000");
    for side in [Side::Client, Side::Server] {
        let events = feed(&mut Decoder::default(), side, &question, &[]);
        assert_eq!(told(&events)[0].direction, Direction::Request);
    }
}

/// libplctag reads from its own `ab_server`, which answers without the sender's context.
const PCCC_READ: &str = "6f002700a81cbc7400000000603edd3a000000000000000000000000 0100020000000000b20017004b0220672401\
    073df3454350210f005e3ea20407890000";
const PCCC_DONE: &str = "6f002300a81cbc74000000000000000000000000000000000000000001 00020000000000b2001300cb000000\
    073df3454350214f005e3e00000000";

#[test]
fn an_answer_without_the_senders_context_answers_the_oldest_request() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(PCCC_READ), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(PCCC_DONE), &[]);
    let answer = told(&events)[1];
    assert_eq!(
        (answer.name, answer.direction),
        ("protected typed logical read, three addresses", Direction::Response)
    );
}

#[test]
fn an_encapsulation_error_refuses() {
    let refused = hex("6f00 0000 01000000 64000000 0000000000000000 00000000");
    let events = feed(&mut Decoder::default(), Side::Server, &refused, &[]);
    assert_eq!(told(&events)[0].status, Status::Refused(0x64, "invalid session handle"));
}

#[test]
fn messages_without_a_cip_message_are_malformed() {
    let empty =
        hex("6f00 1000 01000000 00000000 0000000000000000 00000000 00000000 0000 0200 0000 0000 b200 ff00");
    let events = feed(&mut Decoder::default(), Side::Client, &empty, &[]);
    assert!(matches!(events.last(), Some(Event::Malformed(_))), "{events:?}");
}

#[test]
fn after_a_gap_inside_a_message_the_next_one_is_found() {
    let bytes = [&hex(STOP)[30..], &hex(STOP)].concat();
    let mut out = Vec::new();
    let input = Input { bytes: &bytes, side: Side::Client, truncated: false, gap: true };
    assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
    assert_eq!(told(&out).len(), 2, "{out:?}");
    assert!(!out.iter().any(|event| matches!(event, Event::Malformed(_))));
}

#[test]
fn a_cut_frame_still_tells_its_service() {
    let bytes = &hex(STOP)[..48];
    let mut out = Vec::new();
    let input = Input { bytes, side: Side::Client, truncated: true, gap: false };
    assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
    assert_eq!(told(&out).last().map(|command| command.code), Some(7), "{out:?}");
    assert!(!out.iter().any(|event| matches!(event, Event::Malformed(_))));
}

#[test]
fn strangers_are_refused_and_its_own_are_known_anywhere() {
    for hinted in [true, false] {
        for stranger in testing::STRANGERS {
            assert_ne!(testing::ask(&SPEC, stranger, hinted), Verdict::Yes, "{stranger:?}");
        }
        assert_eq!(testing::ask(&SPEC, &hex(STOP), hinted), Verdict::Yes);
        assert_eq!(testing::ask(&SPEC, &hex(STOP)[..20], hinted), Verdict::NeedMore);
        let register = hex("6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000");
        assert_eq!(testing::ask(&SPEC, &register, hinted), Verdict::Yes);
    }
}

#[test]
fn joined_in_the_middle_the_next_message_is_enough() {
    let bytes = [&hex(STOP)[10..], &hex(STOP)].concat();
    let probe =
        |from_start| (SPEC.probe)(Probe { bytes: &bytes, side: Side::Client, hinted: true, from_start });
    assert_eq!((probe(true), probe(false)), (Verdict::No, Verdict::Yes));
}

#[test]
fn zeros_in_the_middle_of_another_protocol_are_no_empty_list() {
    // As in frames of Mitsubishi's tools: a four among zeros.
    let tools = [&[0x57, 1, 0xff][..], &[4], &[0; 60]].concat();
    // As in MAPI (zeek, `dce-rpc/mapi.pcap`): a header of its own kind.
    let mapi = hex("6300000000000000000000000000000000002c0e00000000");
    for bytes in [tools, mapi] {
        let probe = Probe { bytes: &bytes, side: Side::Client, hinted: false, from_start: false };
        assert_eq!((SPEC.probe)(probe), Verdict::No);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn near_messages_are_survived(command in 0x6f_u8..=0x70, length in 0_u16..400, rest: Vec<u8>) {
        let mut bytes = hex("0000 0000 01000000 00000000 0000000000000000 00000000 00000000 0000 0200 0000 0000 b200");
        bytes[0] = command;
        bytes[2..4].copy_from_slice(&length.to_le_bytes());
        bytes.extend(rest);
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments_among_garbage_either(
        parts in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12)), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        testing::same_among_garbage(&SPEC, &[hex(STOP), hex(IDENTITY)], &parts, &cuts)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(
        messages in prop::collection::vec((0x60_u8..=0x75, prop::collection::vec(any::<u8>(), 0..60)), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (command, data) in messages {
            bytes.extend([command, 0, data.len() as u8 + 16, 0]);
            bytes.extend(hex("01000000 00000000 0000000000000000 00000000 00000000 0000 0200 0000 0000 b200"));
            bytes.extend((data.len() as u16).to_le_bytes());
            bytes.extend(data);
        }
        testing::same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
