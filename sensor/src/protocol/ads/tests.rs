use proptest::prelude::*;

use super::*;
use crate::protocol::Action;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

/// Asks the system service for its state, and the answer: run.
const READ_STATE: &str =
    "000020000000 050d75600101 1027 c0a801630101 0380 0400 0400 00000000 00000000 05000000";
const STATE_RUN: &str =
    "000028000000 c0a801630101 0380 050d75600101 1027 0400 0500 08000000 00000000 05000000 00000000 05000200";
/// Reads a registry key through the system service.
const REGISTRY: &str = "00005a000000 050d75600101 1027 c0a801630101 0f80 0900 0400 3a000000 00000000 f3000000 c8000000 \
    00000000 e8030000 2a000000 536f6674776172655c4265636b686f66665c5477696e4341545c447269766572730054635254696d6500";
/// Stops the first program of TwinCAT 3.
const STOP: &str = "000028000000 050d75600101 5303 c0a801630101 0380 0500 0400 08000000 00000000 06000000 0600 0000 00000000";
const STOP_DENIED: &str =
    "000024000000 c0a801630101 0380 050d75600101 5303 0500 0500 04000000 00000000 06000000 12070000";

fn command(decoder: &mut Decoder, side: Side, text: &str) -> crate::protocol::Command {
    let events = feed(decoder, side, &hex(text), &[]);
    (*commands(&events).first().unwrap_or_else(|| panic!("{events:?}"))).clone()
}

#[test]
fn a_state_is_asked_and_answered() {
    let mut decoder = Decoder::default();
    let request = command(&mut decoder, Side::Client, READ_STATE);
    assert_eq!((request.action, request.name, request.unit), (Action::Discover, "read state", Some(10_000)));
    let response = command(&mut decoder, Side::Server, STATE_RUN);
    assert_eq!((response.direction, response.status), (Direction::Response, Status::Ok));
}

#[test]
fn a_stop_controls_and_its_refusal_says_why() {
    let mut decoder = Decoder::default();
    let request = command(&mut decoder, Side::Client, STOP);
    assert_eq!((request.action, request.name), (Action::Control, "write control"));
    assert_eq!((request.object.as_deref(), request.unit), (Some("stop"), Some(851)));
    let response = command(&mut decoder, Side::Server, STOP_DENIED);
    assert_eq!(response.status, Status::Refused(0x712, "invalid state"));
    assert_eq!(response.object.as_deref(), Some("stop"));
}

#[test]
fn a_registry_key_is_read_not_written() {
    let request = command(&mut Decoder::default(), Side::Client, REGISTRY);
    assert_eq!(request.action, Action::Discover);
    assert_eq!(request.object.as_deref(), Some(r"registry read Software\Beckhoff\TwinCAT\Drivers"));
}

#[test]
fn a_file_write_programs_and_a_symbol_is_named() {
    let write = STOP
        .replace("5303", "1027")
        .replace("0500 0400 08000000", "0900 0400 12000000")
        .replace("000028", "000032");
    let write = write.replace("0600 0000 00000000", "7b000000 00000000 00000000 02000000 4142");
    assert_eq!(command(&mut Decoder::default(), Side::Client, &write).action, Action::Program);
    let handle = "000036000000 050d75600101 5303 c0a801630101 0380 0900 0400 16000000 00000000 07000000 \
        03f00000 00000000 04000000 06000000 4d41494e2e78";
    let handle = command(&mut Decoder::default(), Side::Client, handle);
    assert_eq!((handle.action, handle.object.as_deref()), (Action::Read, Some("handle of MAIN.x")));
}

#[test]
fn device_info_is_of_the_device_or_of_a_program_on_it() {
    // The NC server on AMS port 300.
    let answer = "000038000000 c0a801630101 0f80 050d75600101 2c01 0100 0500 18000000 00000000 05010000 00000000 \
        02 0b fd08 54434e43 000000000000000000000000";
    let events = feed(&mut Decoder::default(), Side::Server, &hex(answer), &[]);
    assert_eq!(facts(&events), [(AssetField::Software, "TCNC 2.11.2301")]);
    let system = answer.replace("2c01 0100 0500", "1027 0100 0500");
    let events = feed(&mut Decoder::default(), Side::Server, &hex(&system), &[]);
    assert_eq!(facts(&events), [(AssetField::Firmware, "2.11.2301"), (AssetField::Model, "TCNC")]);
}

#[test]
fn an_error_of_the_router_refuses() {
    let answer = "000020000000 c0a801630101 0f80 050d75600101 f401 0100 0500 00000000 06000000 02010000";
    let response = command(&mut Decoder::default(), Side::Server, answer);
    assert_eq!(response.status, Status::Refused(6, "target port not found"));
}

#[test]
fn lengths_that_disagree_are_malformed_and_strangers_are_refused() {
    let mut bytes = hex(READ_STATE);
    bytes[2] = 0x21;
    let events = feed(&mut Decoder::default(), Side::Client, &bytes, &[]);
    assert_eq!(events.first(), Some(&Event::Malformed(Malformed::BadLength)));
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
    assert_eq!(ask(&SPEC, &hex(READ_STATE), false), Verdict::Yes);
    assert_eq!(ask(&SPEC, &hex(READ_STATE)[..20], false), Verdict::NeedMore);
}

/// pyads asks who is there. The answer's tags are those of ten captures (ITI/ICS-Security-Tools, `beckoff`), other values in them.
const WHO: &str = "03661471 00000000 01000000 010101010101 1027 00000000";
const ME: &str = "03661471 00000000 01000080 050d75600101 1027 03000000 \
    0500 0800 43582d3044373500 0300 0400 0301b80f 0400 1400 14010000 0a000000 00000000 644a0000 02000000";
/// pyads asks for a route (captured from version 3.6), and is refused as pyads expects it: tag 1 with an error.
const ROUTE: &str = "03661471 00000000 06000000 0a0000070101 1027 05000000 0c00 0300 727400 0700 0600 0a0000070101 \
    0d00 0e00 41646d696e6973747261746f7200 0200 0700 73656372657400 0500 0b00 454e4753544154494f4e00";
const NO_ROUTE: &str = "03661471 00000000 06000080 050d75600101 1027 01000000 0100 0400 04070000";

#[test]
fn a_router_tells_who_it_is() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(WHO), &[]);
    assert_eq!((commands(&events)[0].action, &*commands(&events)[0].code_text), (Action::Discover, "udp/1"));
    let events = feed(&mut decoder, Side::Server, &hex(ME), &[]);
    let expected = [
        (AssetField::Vendor, "Beckhoff"),
        (AssetField::Id, "AMS net id 5.13.117.96.1.1"),
        (AssetField::Name, "CX-0D75"),
        (AssetField::Software, "TwinCAT 3.1.4024"),
        (AssetField::System, "Windows 10.0.19044"),
    ];
    assert_eq!(facts(&events), expected);
    assert_eq!(commands(&events)[0].status, Status::Ok);
}

#[test]
fn a_route_is_asked_for_with_a_name_and_the_password_is_not_told() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(ROUTE), &[]);
    let route = commands(&events)[0];
    assert_eq!((route.action, route.name), (Action::Configure, "add route"));
    assert_eq!(route.object.as_deref(), Some("rt to ENGSTATION as Administrator"));
    let events = feed(&mut decoder, Side::Server, &hex(NO_ROUTE), &[]);
    assert_eq!(
        (commands(&events)[0].name, commands(&events)[0].status.clone()),
        ("add route", Status::Refused(0x704, "reading or writing not permitted"))
    );
}

#[test]
fn a_router_message_is_known_by_its_cookie_and_its_tags_must_be_whole() {
    assert_eq!((ask(&SPEC, &hex(WHO), false), ask(&SPEC, &hex(ROUTE), false)), (Verdict::Yes, Verdict::Yes));
    assert_eq!(ask(&SPEC, &hex(&WHO.replace("03661471", "03661472")), true), Verdict::No);
    let many = hex(&WHO.replace("1027 00000000", "1027 ffffff00"));
    assert_eq!(
        feed(&mut Decoder::default(), Side::Client, &many, &[])[0],
        Event::Malformed(Malformed::BadLength)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes)?;
    }

    #[test]
    fn near_messages_are_survived(at in any::<prop::sample::Index>(), byte: u8) {
        for text in [WHO, ME, ROUTE, READ_STATE, STATE_RUN, REGISTRY, STOP] {
            let mut bytes = hex(text);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&SPEC, &bytes)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = hex(&[WHO, ME, ROUTE, READ_STATE, REGISTRY, STOP].concat());
        same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
