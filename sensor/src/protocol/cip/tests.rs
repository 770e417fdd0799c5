use proptest::prelude::*;

use super::*;
use crate::protocol::AssetField;
use crate::protocol::testing::{self, commands, facts, feed, hex};
use dialogue::{Dialogue, Ticket};

const UNCONNECTED: Ticket = Ticket { session: 1, connection: None, number: 9 };

fn say(dialogue: &mut Dialogue, bytes: &[u8], ticket: Ticket) -> Vec<Event> {
    let mut out = Vec::new();
    let side = if bytes[0] & 0x80 == 0 { Side::Client } else { Side::Server };
    dialogue.message(bytes, false, ticket, side, &mut out);
    out
}

#[test]
fn a_request_and_its_refusal() {
    let mut dialogue = Dialogue::default();
    let events = say(&mut dialogue, &hex("07 02 208e 2401"), UNCONNECTED);
    let [stop] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((stop.name, stop.action, &*stop.code_text), ("stop", Action::Control, "0x07"));
    assert_eq!((stop.object.as_deref(), stop.protocol), (Some("class 0x8e 1"), Some("cip")));
    let events = say(&mut dialogue, &hex("87 00 0f 00"), UNCONNECTED);
    let [refused] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((refused.action, refused.direction), (Action::Control, Direction::Response));
    assert_eq!(refused.status, Status::Refused(0x0f, "privilege violation"));
}

#[test]
fn an_unconnected_send_is_two_requests_and_its_answer_the_inner_ones() {
    let mut dialogue = Dialogue::default();
    let events =
        say(&mut dialogue, &hex("52 02 2006 2401 07 f9 0600 01 02 2001 2401 01 00 0103"), UNCONNECTED);
    let [send, inner] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((send.name, send.object.as_deref()), ("unconnected send", Some("1/3")));
    assert_eq!((inner.name, inner.action, inner.unit), ("get attributes all", Action::Discover, Some(3)));
    // vendor 1, type 14, code 94, 20.11, status, serial, name
    let answer = hex("81 00 00 00 0100 0e00 5e00 140b 6030 785634 12 0b 31 37 35 36 2d 4c 36 31 2f 42 20");
    let events = say(&mut dialogue, &answer, UNCONNECTED);
    let [answer] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!(
        answer.object.as_deref(),
        Some("Rockwell Automation/Allen-Bradley 1756-L61/B 20.11 serial 0x12345678")
    );
    assert!(facts(&events).is_empty(), "the module is not the device that has the address");
}

#[test]
fn a_device_asked_itself_states_facts() {
    let mut dialogue = Dialogue::default();
    say(&mut dialogue, &hex("01 02 2001 2401"), UNCONNECTED);
    let answer = hex("81 00 00 00 0100 0c00 3a00 0403 3000 8e4d5200 0b 313735362d454e42542f41");
    let events = say(&mut dialogue, &answer, UNCONNECTED);
    let expected = [
        (AssetField::Vendor, "Rockwell Automation/Allen-Bradley"),
        (AssetField::Model, "1756-ENBT/A"),
        (AssetField::Firmware, "4.3"),
        (AssetField::Serial, "0x00524d8e"),
    ];
    assert_eq!(facts(&events), expected);
}

#[test]
fn the_parts_of_a_multiple_service_packet_are_commands_with_answers_of_their_own() {
    let mut dialogue = Dialogue::default();
    // Two parts: read tag "Ab", write tag "Cd".
    let request =
        hex("0a 02 2002 2401  0200 0600 0e00  4c 02 9102 4162 0100  4d 02 9102 4364 c300 0100 0700");
    let events = say(&mut dialogue, &request, UNCONNECTED);
    let names: Vec<_> = commands(&events).iter().map(|c| (c.name, c.object.as_deref())).collect();
    assert_eq!(
        names,
        [("multiple service packet", None), ("read tag", Some("Ab")), ("write tag", Some("Cd"))]
    );
    let answer = hex("8a 00 1e 00  0200 0600 0c00  cc 00 00 00 c300  cd 00 0f 00");
    let events = say(&mut dialogue, &answer, UNCONNECTED);
    let answers: Vec<_> =
        commands(&events).iter().map(|c| (c.name, c.object.as_deref(), c.status.clone())).collect();
    assert_eq!(
        answers,
        [
            ("multiple service packet", None, Status::Refused(0x1e, "embedded service error")),
            ("read tag", Some("Ab"), Status::Ok),
            ("write tag", Some("Cd"), Status::Refused(0x0f, "privilege violation")),
        ]
    );
}

#[test]
fn a_connected_answer_has_the_other_directions_id() {
    let mut dialogue = Dialogue::default();
    let to = |connection| Ticket { session: 1, connection: Some(connection), number: 5 };
    say(&mut dialogue, &hex("4c 02 9102 4162 0100"), to(0x11));
    say(&mut dialogue, &hex("4d 02 9102 4364 c300 0100 0700"), to(0x22));
    // Both connections count to five; the answers come in the other order.
    let events = say(&mut dialogue, &hex("cd 00 00 00"), to(0x77));
    assert_eq!(commands(&events)[0].object.as_deref(), Some("Cd"));
    let events = say(&mut dialogue, &hex("cc 00 00 00 c300 0000"), to(0x88));
    assert_eq!(commands(&events)[0].object.as_deref(), Some("Ab"));
}

#[test]
fn a_forward_open_tells_ids_and_slot() {
    let mut dialogue = Dialogue::default();
    let open = hex(
        "54 02 2006 2401  0a 0e 00000000 01003d00 0200 4d00 11223344 01 000000 80841e00 f443 80841e00 f443 a3 \
         03 0104 2002 2401",
    );
    let events = say(&mut dialogue, &open, UNCONNECTED);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("1/4 message router 1"));
    let opened = hex("d4 00 00 00 aabb0000 01003d00 0200 4d00 11223344 80841e00 80841e00 00 00");
    say(&mut dialogue, &opened, UNCONNECTED);
    let ticket = |id| Ticket { session: 1, connection: Some(id), number: 1 };
    let events = say(&mut dialogue, &hex("03 02 2001 2401 0100 0100"), ticket(0xbbaa));
    assert_eq!(commands(&events)[0].unit, Some(4));
    let events = say(&mut dialogue, &hex("83 00 00 00"), ticket(0x003d_0001));
    assert_eq!((commands(&events)[0].unit, commands(&events)[0].action), (Some(4), Action::Discover));
}

#[test]
fn offsets_outside_a_multiple_service_packet_are_malformed() {
    for parts in ["0200 0600 ff00 0102", "0100 0000 0102", "ff7f 0400"] {
        let events = say(&mut Dialogue::default(), &hex(&format!("0a 02 2002 2401 {parts}")), UNCONNECTED);
        assert!(events.contains(&Event::Malformed(Malformed::BadLength)), "{parts}: {events:?}");
    }
}

#[test]
fn parts_that_overlap_are_malformed_and_not_told() {
    // A thousand offsets that all lead to the packet's own front would be a thousand times a thousand.
    let mut bytes = hex("0a 02 2002 2401 e803");
    for _ in 0..1000 {
        bytes.extend(2002_u16.to_le_bytes());
    }
    bytes.extend(bytes.clone());
    let events = say(&mut Dialogue::default(), &bytes, UNCONNECTED);
    assert_eq!(commands(&events).len(), 2, "the packet and its first part");
    assert!(events.contains(&Event::Malformed(Malformed::BadLength)));
}

const IO: &str = "0200 0280 0800 01003d00 07000000 b100 0600 0100 00000000";

#[test]
fn an_implicit_connection_is_listed_once() {
    let mut decoder = Decoder::default();
    let events: Vec<_> = (0..3).flat_map(|_| feed(&mut decoder, Side::Client, &hex(IO), &[])).collect();
    let [io] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((io.action, io.object.as_deref()), (Action::Session, Some("connection 0x003d0001")));
}

#[test]
fn the_probe_wants_both_items_to_the_end() {
    assert_eq!(testing::ask(&SPEC, &hex(IO), false), Verdict::Yes);
    assert_eq!(testing::ask(&SPEC, &hex(&format!("{IO} 00")), false), Verdict::No);
    for stranger in testing::STRANGERS {
        assert_eq!(testing::ask(&SPEC, stranger, true), Verdict::No, "{stranger:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn any_message_is_survived(
        services in prop::collection::vec((prop::sample::select(vec![0x0a, 0x52, 0x54, 0x5b, 0x4b, 0x01, 0x8a, 0xd2, 0x81]), prop::collection::vec(any::<u8>(), 0..80)), 1..6),
        class in prop::sample::select(vec![1_u8, 2, 6, 0x67]),
        cut: bool,
    ) {
        let mut dialogue = Dialogue::default();
        for (service, data) in services {
            let head = if service & 0x80 == 0 { vec![service, 2, 0x20, class, 0x24, 1] } else { vec![service, 0, 0, 0] };
            dialogue.message(&[head, data].concat(), cut, UNCONNECTED, Side::Client, &mut Vec::new());
        }
    }
}
