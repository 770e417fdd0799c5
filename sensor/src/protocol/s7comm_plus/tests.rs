use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex")).collect()
}

/// A TPKT data packet around an S7comm-plus packet; `end` adds the trailer.
fn data(version: u8, content: &str, end: bool) -> Vec<u8> {
    let content = hex(content);
    let mut bytes = vec![PROTOCOL, version, 0, content.len() as u8];
    bytes.extend(content);
    if end {
        bytes.extend([PROTOCOL, version, 0, 0]);
    }
    let mut packet = vec![3, 0, 0, bytes.len() as u8 + 7, 2, 0xf0, 0x80];
    packet.extend(bytes);
    packet
}

fn feed(decoder: &mut Decoder, side: Side, bytes: &[u8]) -> Vec<Event> {
    let mut out = Vec::new();
    assert_eq!(decoder.decode(Input { bytes, side, truncated: false, gap: false }, &mut out), bytes.len());
    out
}

fn one(decoder: &mut Decoder, side: Side, bytes: &[u8]) -> Command {
    match feed(decoder, side, bytes).pop() {
        Some(Event::Command(command)) => command,
        other => panic!("{other:?}"),
    }
}

const CR: &str = "030000241fe00000011200c1020620c21053494d415449432d524f4f542d484d49c0010a";
const CREATE_SESSION: &str =
    "31000004ca0000000100000120360000011d00040000000000a1000000d3821f0000a38169001503616263a2";
const CREATE_BLOCK: &str =
    "31000004ca00000027000003c0340000000300040000000000a18a32000194572000a381690015044d61696e";

#[test]
fn a_session_says_which_kind_of_partner_it_called() {
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, Side::Client, &hex(CR)), []);
    let request = one(&mut decoder, Side::Client, &data(1, CREATE_SESSION, true));
    assert_eq!((request.action, request.object.as_deref()), (Action::Session, Some("SIMATIC-ROOT-HMI")));
}

#[test]
fn a_session_answer_identifies_the_controller() {
    let answer =
        "32000004ca0000000136110287a1823f00151b313b36455337203231312d31424533312d30584230203b56332e30a2";
    let events = feed(&mut Decoder::default(), Side::Server, &data(1, answer, true));
    let values: Vec<_> = events
        .iter()
        .filter_map(
            |event| if let Event::Asset(asset) = event { Some((asset.field, &*asset.value)) } else { None },
        )
        .collect();
    assert_eq!(
        values,
        [
            (AssetField::Vendor, "Siemens"),
            (AssetField::Model, "6ES7 211-1BE31-0XB0"),
            (AssetField::Firmware, "V3.0"),
        ]
    );
}

#[test]
fn a_block_created_in_the_program_is_a_download_over_all_its_packets() {
    let mut decoder = Decoder::default();
    let request = one(&mut decoder, Side::Client, &data(2, CREATE_BLOCK, false));
    assert_eq!((request.action, request.object.as_deref()), (Action::Program, Some("Main")));
    assert_eq!(feed(&mut decoder, Side::Client, &data(2, "31000004ca00000099", false)), []);
    assert_eq!(feed(&mut decoder, Side::Client, &data(2, "0102", true)), []);
    let response = one(&mut decoder, Side::Server, &data(2, "32000004ca000000273400000000", true));
    assert_eq!((response.action, response.status), (Action::Program, Status::Ok));
    let next = one(&mut decoder, Side::Client, &data(2, "310000054c00000028000003c03400000000", true));
    assert_eq!(next.action, Action::Read);
}

#[test]
fn an_error_is_refused() {
    let answer = "320000058600000006".to_string() + "34c08895b080ef91fff400";
    let response = one(&mut Decoder::default(), Side::Server, &data(2, &answer, true));
    assert_eq!(response.status, Status::Refused(0xfff4, "error"));
}

#[test]
fn version_3_has_a_digest_before_the_opcode() {
    let content = format!("20{}310000054c00000003000003be3400000000", "ab".repeat(32));
    assert_eq!(one(&mut Decoder::default(), Side::Client, &data(3, &content, true)).code, 0x054c);
}

#[test]
fn tls_is_said_once_to_be_not_observable() {
    let mut decoder = Decoder::default();
    let mut record = vec![3, 0, 0, 13, 2, 0xf0, 0x80, 0x16, 3, 3, 0, 1, 0];
    record.extend(record.clone());
    let events = feed(&mut decoder, Side::Client, &record);
    assert!(
        matches!(&events[..], [Event::Command(command)] if command.name == "tls, functions not observable"),
        "{events:?}"
    );
}

#[test]
fn only_its_own_first_packet_is_claimed() {
    let ask = |bytes: &[u8]| probe(Probe { bytes, side: Side::Client, hinted: true, from_start: true });
    assert_eq!(ask(&hex(CR)), Verdict::NeedMore);
    assert_eq!(ask(&data(1, CREATE_SESSION, true)), Verdict::Yes);
    assert_eq!(ask(&hex("0300001902f08032010000000000080000f0000001000101e0")), Verdict::No);
    assert_eq!(ask(&hex("030000bb02f0800db20506130100160102")), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, client: bool, truncated: bool, gap: bool) {
        let side = if client { Side::Client } else { Side::Server };
        let used = Decoder::default().decode(Input { bytes: &bytes, side, truncated, gap }, &mut Vec::new());
        prop_assert!(used <= bytes.len());
        probe(Probe { bytes: &bytes, side, hinted: true, from_start: false });
    }

    #[test]
    fn near_messages_are_survived(version in 0_u8..5, opcode in 0x30_u8..0x35, rest in prop::collection::vec(any::<u8>(), 0..120), end: bool, side: bool) {
        let side = if side { Side::Client } else { Side::Server };
        let content: String = [opcode].iter().chain(&rest).map(|byte| format!("{byte:02x}")).collect();
        let bytes = data(version, &content, end);
        let used = Decoder::default().decode(Input { bytes: &bytes, side, truncated: false, gap: false }, &mut Vec::new());
        prop_assert!(used <= bytes.len());
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cut: prop::sample::Index) {
        let mut bytes = hex(CR);
        for packet in [data(1, CREATE_SESSION, true), data(2, CREATE_BLOCK, false), data(2, "0102", true)] {
            bytes.extend(packet);
        }
        let whole = feed(&mut Decoder::default(), Side::Client, &bytes);
        let (mut decoder, mut out, cut) = (Decoder::default(), Vec::new(), cut.index(bytes.len()));
        let input = Input { bytes: &bytes[..cut], side: Side::Client, truncated: false, gap: false };
        let used = decoder.decode(input, &mut out);
        decoder.decode(Input { bytes: &bytes[used..], ..input }, &mut out);
        prop_assert_eq!(whole, out);
    }
}
