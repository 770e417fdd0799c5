use proptest::prelude::*;

use super::*;
use crate::protocol::AssetField::{Address, Id, Model, Name, Role, Vendor};
use crate::protocol::trial::{ask, facts, feed, near, one, survives};

/// Asks all devices who they are; padded to Ethernet's shortest frame.
const IDENTIFY_ALL: &[u8] =
    b"\xfe\xfe\x05\0\x01\0\0\x01\0\x01\0\x04\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// A device's answer.
const ANSWER: &[u8] = b"\xfe\xff\x05\x01\x01\0\0\x01\0\0\0\x3e\x02\x01\0\x05\0\0INC\0\x02\x02\0\x0b\0\0X208-BORD\0\
    \x02\x03\0\x06\0\0\0\x2a\x0a\x01\x02\x04\0\x04\0\0\x01\0\x01\x02\0\x0e\0\x01\xc0\xa8\0\x06\xff\xff\xff\0\xc0\xa8\0\x01";
/// Gives a device another address for good.
const SET_IP: &[u8] =
    b"\xfe\xfd\x04\0\x01\0\0\x01\0\0\0\x12\x01\x02\0\x0e\0\x01\xc0\xa8\0\x0a\xff\xff\xff\0\xc0\xa8\0\x01\0\0\0\0";
const SET_IP_OK: &[u8] = b"\xfe\xfd\x04\x01\x01\0\0\x01\0\0\0\x08\x05\x04\0\x03\x01\x02\0\0\0\0\0\0";
const RESET: &[u8] = b"\xfe\xfd\x04\0\0\0\0\x09\0\0\0\x06\x05\x06\0\x02\0\x05";

#[test]
fn identify_discovers() {
    let command = one(&mut Decoder::default(), Side::Client, IDENTIFY_ALL);
    assert_eq!((command.action, command.name, &*command.code_text), (Action::Discover, "identify", "5"));
    assert_eq!((command.direction, command.object.as_deref()), (Direction::Request, Some("all")));
}

#[test]
fn an_answer_tells_name_model_vendor_id_role_and_address() {
    let events = feed(&mut Decoder::default(), Side::Client, ANSWER);
    let expected = [
        (Model, "INC"),
        (Name, "X208-BORD"),
        (Id, "vendor 0x002a device 0x0a01"),
        (Vendor, "Siemens"),
        (Role, "io device"),
        (Address, "192.168.0.6"),
    ];
    assert_eq!(facts(&events), expected.map(|(field, value)| (Side::Client, field, value)));
}

#[test]
fn a_set_address_configures_and_its_answer_says_how_it_went() {
    let mut decoder = Decoder::default();
    let request = one(&mut decoder, Side::Client, SET_IP);
    assert_eq!((request.action, request.name, &*request.code_text), (Action::Configure, "set ip", "4/1/2"));
    let object = "192.168.0.10 mask 255.255.255.0 gateway 192.168.0.1, permanent";
    assert_eq!(request.object.as_deref(), Some(object));
    let response = one(&mut decoder, Side::Server, SET_IP_OK);
    assert_eq!((response.name, response.status), ("set ip", Status::Ok));
    assert_eq!(response.object.as_deref(), Some(object));
}

#[test]
fn a_refused_block_refuses_the_set_also_where_the_request_was_not_seen() {
    let mut refused = SET_IP_OK.to_vec();
    refused[18] = 6;
    let response = one(&mut Decoder::default(), Side::Server, &refused);
    assert_eq!((response.name, response.action), ("set ip", Action::Configure));
    assert_eq!(response.status, Status::Refused(6, "in operation, not possible"));
}

#[test]
fn resets_control_and_a_blinking_light_does_not() {
    let reset = one(&mut Decoder::default(), Side::Client, RESET);
    assert_eq!((reset.action, reset.name), (Action::Control, "reset to factory"));
    assert_eq!(reset.object.as_deref(), Some("reset to factory communication parameters"));
    let signal = b"\xfe\xfd\x04\0\0\0\0\x0a\0\0\0\x08\x05\x03\0\x04\0\0\x01\0";
    assert_eq!(one(&mut Decoder::default(), Side::Client, signal).action, Action::Other);
    let factory = b"\xfe\xfd\x04\0\0\0\0\x0a\0\0\0\x06\x05\x05\0\x02\0\0";
    let factory = one(&mut Decoder::default(), Side::Client, factory);
    assert_eq!((factory.action, factory.name), (Action::Control, "factory reset"));
}

#[test]
fn a_set_of_several_blocks_is_called_after_the_one_that_does_most() {
    let both = b"\xfe\xfd\x04\0\0\0\0\x0a\0\0\0\x10\x02\x02\0\x05\0\x01plc\0\x05\x05\0\x02\0\0";
    let command = one(&mut Decoder::default(), Side::Client, both);
    assert_eq!((command.action, command.name), (Action::Control, "factory reset"));
    assert_eq!(command.object.as_deref(), Some("name of station plc, permanent, factory reset"));
}

#[test]
fn lengths_beyond_the_frame_are_malformed_unless_the_frame_was_cut() {
    let short = &SET_IP[..20];
    assert_eq!(feed(&mut Decoder::default(), Side::Client, short), [Event::Malformed(Malformed::BadLength)]);
    let mut out = Vec::new();
    let cut = Input { bytes: short, side: Side::Client, truncated: true, gap: false };
    Decoder::default().decode(cut, &mut out);
    assert!(matches!(&out[..], [Event::Command(command)] if command.code_text.starts_with('4')), "{out:?}");
}

#[test]
fn a_service_that_does_not_go_with_its_frame_id_is_not_dcp() {
    assert_eq!(ask(&SPEC, SET_IP, true), Verdict::Yes);
    assert_eq!(ask(&SPEC, SET_IP, false), Verdict::No);
    let mut hello = SET_IP.to_vec();
    hello[1] = 0xfc;
    assert_eq!(ask(&SPEC, &hello, true), Verdict::No);
    // Cyclic data.
    assert_eq!(ask(&SPEC, b"\xc0\x02\x80\x80\0\0\0\0\0\0\0\0\0\0\0\0\x20\0\x35\0", true), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes);
    }

    #[test]
    fn near_messages_are_survived(bytes in near(&[IDENTIFY_ALL, ANSWER, SET_IP, SET_IP_OK, RESET])) {
        survives(&SPEC, &bytes);
    }
}

#[test]
fn a_device_says_its_address_when_it_answers_and_when_it_took_one() {
    let has = |events: &[Event]| -> Vec<(Side, String)> {
        let has = events.iter().filter_map(|event| match event {
            Event::About(About::Has { side, address }) => Some((*side, address.to_string())),
            _ => None,
        });
        has.collect()
    };
    let answer = feed(&mut Decoder::default(), Side::Client, ANSWER);
    assert_eq!(has(&answer), [(Side::Client, "192.168.0.6".to_owned())]);
    // One that another has too is nobody's.
    let mut conflict = ANSWER.to_vec();
    let at = conflict.windows(4).position(|four| four == [192, 168, 0, 6]).unwrap();
    conflict[at - 1] |= 0x80;
    assert!(has(&feed(&mut Decoder::default(), Side::Client, &conflict)).is_empty());
    let mut decoder = Decoder::default();
    assert!(has(&feed(&mut decoder, Side::Client, SET_IP)).is_empty());
    let took = feed(&mut decoder, Side::Server, SET_IP_OK);
    assert_eq!(has(&took), [(Side::Server, "192.168.0.10".to_owned())]);
}
