use proptest::prelude::*;

use super::*;
use crate::protocol::Action;

/// Feeds `bytes` in pieces that end at the `cuts`, as the engine does: what is left comes again.
fn feed(decoder: &mut dyn Decode, side: Side, bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
    let (mut out, mut from) = (Vec::new(), 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let input = Input { bytes: &bytes[from..to], side, truncated: false, gap: false };
        from += decoder.decode(input, &mut out);
    }
    out
}

fn one(decoder: &mut Decoder, side: Side, bytes: &[u8]) -> Command {
    match feed(decoder, side, bytes, &[]).pop() {
        Some(Event::Command(command)) => command,
        other => panic!("{other:?}"),
    }
}

const READ: &[u8] = &[0, 1, 0, 0, 0, 6, 10, 3, 0, 5, 0, 2];

#[test]
fn a_request_and_its_response() {
    let mut decoder = Decoder::new();
    let request = one(&mut decoder, Side::Client, READ);
    assert_eq!((request.name, &*request.code_text, request.unit), ("read holding registers", "3", Some(10)));
    assert_eq!((request.action, request.direction), (Action::Read, Direction::Request));
    let response = one(&mut decoder, Side::Server, &[0, 1, 0, 0, 0, 7, 10, 3, 4, 0, 9, 0, 0x18]);
    assert_eq!((response.code, response.direction, response.status), (3, Direction::Response, Status::Ok));
}

#[test]
fn an_exception_names_the_sub_function_that_was_asked() {
    let mut decoder = Decoder::new();
    one(&mut decoder, Side::Client, &[0, 0, 0, 0, 0, 6, 10, 8, 0, 4, 0, 0]);
    let response = one(&mut decoder, Side::Server, &[0, 0, 0, 0, 0, 3, 10, 0x88, 11]);
    assert_eq!((response.action, &*response.code_text), (Action::Control, "8/0x04"));
    assert_eq!(response.status, Status::Refused(11, "gateway target device failed to respond"));
}

#[test]
fn acknowledge_means_accepted() {
    let mut decoder = Decoder::new();
    assert_eq!(one(&mut decoder, Side::Server, &[0, 1, 0, 0, 0, 3, 10, 0x85, 5]).status, Status::Ok);
}

#[test]
fn umas_stop_is_known_in_its_answer_too() {
    let mut decoder = Decoder::new();
    let request = one(&mut decoder, Side::Client, &[0, 7, 0, 0, 0, 6, 0, 0x5a, 1, 0x41, 0xff, 0]);
    assert_eq!((request.action, request.code, &*request.code_text), (Action::Control, 0x5a41, "90/0x41"));
    let response = one(&mut decoder, Side::Server, &[0, 7, 0, 0, 0, 4, 0, 0x5a, 1, 0xfe]);
    assert_eq!((response.action, response.status), (Action::Control, Status::Ok));
}

#[test]
fn device_identification_tells_vendor_model_and_firmware() {
    let mut decoder = Decoder::new();
    let answer = b"\0\x17\0\0\0\x18\x01\x2b\x0e\x01\x83\0\0\x03\x00\x04Zeek\x01\x02T1\x02\x041.2b";
    let events = feed(&mut decoder, Side::Server, answer, &[]);
    let facts: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Asset(asset) => Some((asset.side, asset.field, &*asset.value)),
            _ => None,
        })
        .collect();
    use crate::protocol::AssetField::{Firmware, Model, Vendor};
    let expected = [(Vendor, "Zeek"), (Model, "T1"), (Firmware, "1.2b")].map(|(f, v)| (Side::Server, f, v));
    assert_eq!(facts, expected);
}

#[test]
fn a_wrong_protocol_identifier_is_malformed_once_and_drops_the_segment() {
    let mut decoder = Decoder::new();
    let mut bytes = READ.to_vec();
    bytes[3] = 1;
    bytes.extend_from_slice(READ);
    assert_eq!(feed(&mut decoder, Side::Client, &bytes, &[]), [Event::Malformed(Malformed::BadVersion)]);
}

#[test]
fn lengths_outside_the_specification_are_malformed() {
    for length in [0_u16, 1, 255, 2000] {
        let mut bytes = vec![0, 1, 0, 0];
        bytes.extend(length.to_be_bytes());
        bytes.extend([1, 3, 0, 0]);
        let events = feed(&mut Decoder::new(), Side::Client, &bytes, &[]);
        assert_eq!(events, [Event::Malformed(Malformed::BadLength)], "{length}");
    }
}

#[test]
fn umas_may_be_longer_than_the_specification_allows() {
    let mut bytes = vec![0, 7, 0, 0, 0, 255, 0, 0x5a, 0, 0x0a];
    bytes.resize(6 + 255, 0x54);
    assert_eq!(one(&mut Decoder::new(), Side::Client, &bytes).code, 0x5a0a);
}

#[test]
fn a_request_whose_data_do_not_fit_is_a_command_and_malformed() {
    let events = feed(&mut Decoder::new(), Side::Client, &[0, 1, 0, 0, 0, 2, 1, 3], &[]);
    assert!(matches!(events[..], [Event::Command(_), Event::Malformed(Malformed::BadLength)]), "{events:?}");
}

#[test]
fn after_a_gap_inside_a_message_the_next_whole_one_is_found() {
    let mut bytes = vec![0xaa; 30];
    bytes.extend_from_slice(READ);
    let mut out = Vec::new();
    let input = Input { bytes: &bytes, side: Side::Client, truncated: false, gap: true };
    assert_eq!(Decoder::new().decode(input, &mut out), bytes.len());
    assert_eq!(out.len(), 1, "{out:?}");
}

#[test]
fn a_cut_frame_still_tells_its_function() {
    let mut out = Vec::new();
    let bytes = [0, 1, 0, 0, 0, 100, 1, 16, 0, 0];
    let input = Input { bytes: &bytes, side: Side::Client, truncated: true, gap: false };
    assert_eq!(Decoder::new().decode(input, &mut out), bytes.len());
    assert!(matches!(&out[..], [Event::Command(command)] if command.code == 16), "{out:?}");
}

fn ask(bytes: &[u8], hinted: bool) -> Verdict {
    probe(Probe { bytes, side: Side::Client, hinted, from_start: true })
}

#[test]
fn look_alikes_on_its_port_are_refused() {
    let others: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n",
        b"\x03\x00\x00\x2f\x2a\xe0\0\0\0\0\0Cookie: mstshash=admin\r\n",
        b"\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00",
        b"\x80\x00\x00\x28\x72\xfe\x1d\x13\x00\x00\x00\x00",
        b"MGLNDD_192.168.10.111_502\n",
    ];
    for bytes in others {
        assert_eq!(ask(bytes, true), Verdict::No, "{bytes:?}");
    }
}

#[test]
fn elsewhere_the_data_must_fit_their_function() {
    assert_eq!(ask(READ, true), Verdict::Yes);
    assert_eq!(ask(READ, false), Verdict::Yes);
    assert_eq!(ask(&READ[..7], false), Verdict::NeedMore);
    // A DICOM association request: zero where Modbus has zero, a plausible length, code 1.
    let mut dicom = vec![1, 0, 0, 0, 0, 0xcd, 0, 1];
    dicom.resize(6 + 0xcd, b' ');
    assert_eq!(ask(&dicom, false), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, client: bool, truncated: bool, gap: bool) {
        let side = if client { Side::Client } else { Side::Server };
        let mut out = Vec::new();
        let used = Decoder::new().decode(Input { bytes: &bytes, side, truncated, gap }, &mut out);
        prop_assert!(used <= bytes.len());
        for hinted in [true, false] {
            for from_start in [true, false] {
                probe(Probe { bytes: &bytes, side, hinted, from_start });
            }
        }
    }

    #[test]
    fn near_messages_are_survived(length in 0_u16..300, rest: Vec<u8>, client: bool, truncated: bool, gap: bool) {
        let side = if client { Side::Client } else { Side::Server };
        let mut bytes = vec![0, 1, 0, 0];
        bytes.extend(length.to_be_bytes());
        bytes.extend(rest);
        let mut out = Vec::new();
        let used = Decoder::new().decode(Input { bytes: &bytes, side, truncated, gap }, &mut out);
        prop_assert!(used <= bytes.len());
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(
        messages in prop::collection::vec((any::<u16>(), any::<u8>(), 0_u8..128, prop::collection::vec(any::<u8>(), 0..60)), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (transaction, unit, code, data) in messages {
            bytes.extend(transaction.to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend((data.len() as u16 + 2).to_be_bytes());
            bytes.extend([unit, code]);
            bytes.extend(data);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        let whole = feed(&mut Decoder::new(), Side::Client, &bytes, &[]);
        prop_assert_eq!(whole, feed(&mut Decoder::new(), Side::Client, &bytes, &cuts));
    }
}
