use proptest::prelude::*;

use super::*;
use crate::protocol::{AssetField, Event};

/// A hexadecimal string as bytes.
fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex")).collect()
}

fn feed(decoder: &mut Decoder, side: Side, bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
    let (mut out, mut from) = (Vec::new(), 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let input = Input { bytes: &bytes[from..to], side, truncated: false, gap: false };
        from += decoder.decode(input, &mut out);
    }
    out
}

fn one(decoder: &mut Decoder, side: Side, text: &str) -> Command {
    match &feed(decoder, side, &hex(text), &[])[..] {
        [Event::Command(command), ..] => command.clone(),
        other => panic!("{other:?}"),
    }
}

const CR: &str = "0300001611e00000000700c1020100c2020102c0010a";
const STOP: &str = "0300002102f0803201000035000010000029000000000009505f50524f4752414d";
const STOPPED: &str = "0300001402f08032030000350000010000000029";
const INSE: &str = "0300002b02f080320100000f00001a000028000000000000fd000a01003041303030303150055f494e5345";

#[test]
fn a_stop_and_its_acknowledgement() {
    let mut decoder = Decoder::default();
    let request = one(&mut decoder, Side::Client, STOP);
    assert_eq!((request.name, request.action, &*request.code_text), ("plc stop", Action::Control, "0x29"));
    assert_eq!(request.object.as_deref(), Some("P_PROGRAM"));
    let response = one(&mut decoder, Side::Server, STOPPED);
    assert_eq!((response.direction, response.status), (Direction::Response, Status::Ok));
    assert_eq!(response.object.as_deref(), Some("P_PROGRAM"));
}

#[test]
fn a_connection_request_is_no_command_but_tells_the_partner() {
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, Side::Client, &hex(CR), &[]), []);
    let setup = one(&mut decoder, Side::Client, "0300001902f08032010000020000080000f0000001000101e0");
    assert_eq!((setup.action, setup.object.as_deref()), (Action::Session, Some("PG rack 0 slot 2")));
}

#[test]
fn a_refusal_without_parameters_finds_its_job() {
    let mut decoder = Decoder::default();
    let upload = one(
        &mut decoder,
        Side::Client,
        "0300002302f080320100000600001200001d00000000000000095f3042303030303041",
    );
    assert_eq!((upload.action, upload.object.as_deref()), (Action::ReadProgram, Some("SDB0")));
    let refused = one(&mut decoder, Side::Server, "0300001302f08032020000060000000000d241");
    assert_eq!((refused.code, refused.object.as_deref()), (0x1d, Some("SDB0")));
    assert_eq!(
        refused.status,
        Status::Refused(0xd241, "operation not permitted in current protection level")
    );
}

#[test]
fn the_controller_asks_for_the_blocks_of_a_download() {
    let mut decoder = Decoder::default();
    let block = one(
        &mut decoder,
        Side::Server,
        "0300002302f080320100000100001200001b00000000000000095f3041303030303150",
    );
    assert_eq!(
        (block.direction, block.action, block.object.as_deref()),
        (Direction::Request, Action::Program, Some("DB1"))
    );
}

#[test]
fn an_activation_names_service_and_block() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(INSE), &[]);
    let [Event::Command(command)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((command.name, command.object.as_deref()), ("pi service: activate block", Some("_INSE DB1")));
}

#[test]
fn a_write_is_refused_when_every_item_is() {
    let mut decoder = Decoder::default();
    let one_of_two = one(&mut decoder, Side::Server, "0300001702f080320300001800000200020000050205ff");
    assert_eq!(one_of_two.status, Status::Ok);
    let none = one(&mut decoder, Side::Server, "0300001702f08032030000180000020002000005020305");
    assert_eq!(none.status, Status::Refused(3, "access to object not allowed"));
}

#[test]
fn a_push_of_the_controller_is_a_notification_without_an_action() {
    let push =
        one(&mut Decoder::default(), Side::Server, "0300001902f080320700000000000800000100101000000000");
    assert_eq!(
        (push.direction, push.action, push.name),
        (Direction::Notification, Action::Other, "mode transition: stop")
    );
}

/// A component identification of two records in two units, as controllers with 240-byte messages send it.
#[test]
fn an_answer_in_two_units_is_read_as_one() {
    fn answer(reference: u8, more: u8, data: &[u8]) -> Vec<u8> {
        let mut message = vec![0x32, 7, 0, 0, reference, 0, 0, 12, 0, data.len() as u8 + 4];
        message.extend([0, 1, 0x12, 8, 0x12, 0x84, 1, 2, 0xd5, more, 0, 0, 0xff, 9, 0, data.len() as u8]);
        message.extend_from_slice(data);
        let mut packet = vec![3, 0, 0, message.len() as u8 + 7, 2, 0xf0, 0x80];
        packet.extend(message);
        packet
    }
    let mut list = hex("001c000000220002");
    for (index, text) in [(1, &b"line 4"[..]), (5, b"S C-1234")] {
        let mut record = vec![0, index];
        record.extend_from_slice(text);
        record.resize(34, 0);
        list.extend(record);
    }
    let mut decoder = Decoder::default();
    let request =
        one(&mut decoder, Side::Client, "0300002102f080320700000100000800080001120411440100ff090004001c0000");
    assert_eq!(request.object.as_deref(), Some("SZL 0x001c"));
    let mut events = feed(&mut decoder, Side::Server, &answer(1, 1, &list[..50]), &[]);
    let more =
        one(&mut decoder, Side::Client, "0300002102f080320700000300000c00040001120812440102000000000a000000");
    assert_eq!((more.direction, more.object.as_deref()), (Direction::Request, Some("SZL 0x001c")));
    events.extend(feed(&mut decoder, Side::Server, &answer(3, 0, &list[50..]), &[]));
    let facts: Vec<_> = events
        .iter()
        .filter_map(
            |event| if let Event::Asset(asset) = event { Some((asset.field, &*asset.value)) } else { None },
        )
        .collect();
    assert_eq!(facts, [(AssetField::Name, "line 4"), (AssetField::Serial, "S C-1234")]);
}

#[test]
fn messages_that_break_the_rules_are_malformed() {
    for (text, malformed) in [
        ("0300000f02f0800d0600000000000000", Malformed::BadVersion),
        ("0300001102f08032050000000000000000", Malformed::BadValue),
        ("0300000a02f080320100", Malformed::Truncated),
        ("0300001102f08032010000000000080000", Malformed::BadLength),
    ] {
        assert_eq!(
            feed(&mut Decoder::default(), Side::Client, &hex(text), &[]).first(),
            Some(&Event::Malformed(malformed))
        );
    }
}

fn ask(text: &str) -> Verdict {
    probe(Probe { bytes: &hex(text), side: Side::Client, hinted: true, from_start: true })
}

#[test]
fn the_first_user_data_decide() {
    assert_eq!(ask(CR), Verdict::NeedMore);
    assert_eq!(ask(&format!("{CR}{STOP}")), Verdict::Yes);
    assert_eq!(ask("0300000702f000"), Verdict::NeedMore);
    // S7comm-plus, MMS (an ISO 8327 CONNECT), RDP with a cookie and with a negotiation request alone.
    assert_eq!(ask("030000d902f080720100ca31000004ca"), Verdict::No);
    assert_eq!(ask("030000bb02f0800db20506130100160102"), Verdict::No);
    assert_eq!(
        ask("0300002b26e00000000000436f6f6b69653a206d737473686173683d61646d696e0d0a0100080003000000"),
        Verdict::No
    );
    assert_eq!(ask("030000130ee000000000000100080003000000"), Verdict::No);
    assert_eq!(ask("16030100c8010000c40303"), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, client: bool, truncated: bool, gap: bool) {
        let side = if client { Side::Client } else { Side::Server };
        let used = Decoder::default().decode(Input { bytes: &bytes, side, truncated, gap }, &mut Vec::new());
        prop_assert!(used <= bytes.len());
        for from_start in [true, false] {
            probe(Probe { bytes: &bytes, side, hinted: true, from_start });
        }
    }

    #[test]
    fn near_messages_are_survived(mut messages in prop::collection::vec((0_u8..9, any::<[u8; 6]>(), prop::collection::vec(any::<u8>(), 0..80)), 1..6), truncated: bool) {
        let mut decoder = Decoder::default();
        for (kind, lengths, rest) in &mut messages {
            let mut bytes = vec![3, 0, 0, rest.len() as u8 + 17, 2, 0xf0, 0x80, 0x32, *kind, 0, 0];
            bytes.extend([lengths[0], lengths[1], 0, lengths[2] % 32, 0, lengths[3] % 64]);
            bytes.append(rest);
            for side in [Side::Client, Side::Server] {
                let used = decoder.decode(Input { bytes: &bytes, side, truncated, gap: false }, &mut Vec::new());
                prop_assert!(used <= bytes.len());
            }
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let bytes = hex(&[CR, STOP, "0300000702f000", "0300002102f080320700000100000800080001120411440100ff090004001c0000", STOP].concat());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        let whole = feed(&mut Decoder::default(), Side::Client, &bytes, &[]);
        prop_assert_eq!(whole.len(), 3);
        prop_assert_eq!(whole, feed(&mut Decoder::default(), Side::Client, &bytes, &cuts));
    }
}
