use proptest::prelude::*;

use super::*;
use crate::protocol::AssetField::{Firmware, Id, Model, Name, Vendor};
use crate::protocol::trial::{ask, facts, feed, near, one, survives};
use crate::protocol::{About, Side};

/// Asks a device, whoever it is, for its object identifier (a scanner's first word).
const SCAN: &[u8] = b"\x81\x0a\0\x11\x01\x04\0\x05\xa9\x0c\x0c\x02\x3f\xff\xff\x19\x4b";
/// Who-is, to everybody everywhere.
const WHO_IS: &[u8] = b"\x81\x0b\0\x0c\x01\x20\xff\xff\0\xff\x10\x08";
/// I-am device 850 of vendor 260.
const I_AM: &[u8] =
    b"\x81\x0b\0\x19\x01\x20\xff\xff\0\xff\x10\0\xc4\x02\0\x03\x52\x22\x05\xc4\x91\x03\x22\x01\x04";
/// Reinitialize-device: coldstart, with a password.
const COLDSTART: &[u8] = b"\x81\x0a\0\x12\x01\x04\0\x05\x07\x14\x09\0\x1d\x05\0abcd";
const PASSWORD_FAILURE: &[u8] = b"\x81\x0a\0\x0d\x01\0\x50\x07\x14\x91\x05\x91\x1a";
/// Writes "halt" to the program-change of program 1.
const HALT: &[u8] = b"\x81\x0a\0\x16\x01\x04\0\x05\x08\x0f\x0c\x04\0\0\x01\x19\x5a\x3e\x91\x03\x3f\0";
/// The answer to a read of the model name of device 850.
const MODEL: &[u8] = b"\x81\x0a\0\x1e\x01\0\x30\x09\x0c\x0c\x02\0\x03\x52\x19\x46\x3e\x75\x08\0TC-1000\x3f";

/// With the length field set to the datagram's.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[2..4].copy_from_slice(&length);
    bytes
}

#[test]
fn reading_anybodys_device_object_discovers() {
    let command = one(&mut Decoder::default(), Side::Client, SCAN);
    assert_eq!(
        (command.action, command.name, &*command.code_text),
        (Action::Discover, "read-property", "12")
    );
    assert_eq!(command.object.as_deref(), Some("device 4194303 object-identifier"));
}

#[test]
fn who_is_asks_and_i_am_tells_instance_and_vendor() {
    let ask = one(&mut Decoder::default(), Side::Client, WHO_IS);
    assert_eq!(
        (ask.action, ask.direction, &*ask.code_text),
        (Action::Discover, Direction::Request, "unconfirmed/8")
    );
    let events = feed(&mut Decoder::default(), Side::Client, I_AM);
    let vendor = "BACnet Stack at SourceForge";
    assert_eq!(facts(&events), [(Side::Client, Id, "device 850"), (Side::Client, Vendor, vendor)]);
}

#[test]
fn a_restart_controls_and_its_refusal_says_why() {
    let mut decoder = Decoder::default();
    let request = one(&mut decoder, Side::Client, &sized(COLDSTART));
    assert_eq!((request.action, request.object.as_deref()), (Action::Control, Some("coldstart")));
    let response = one(&mut decoder, Side::Server, PASSWORD_FAILURE);
    assert_eq!((response.action, response.object.as_deref()), (Action::Control, Some("coldstart")));
    assert_eq!(response.status, Status::Refused(5 << 16 | 26, "password-failure"));
}

#[test]
fn a_backup_reads_and_a_restore_writes_the_program() {
    for (state, action) in [(2, Action::ReadProgram), (4, Action::Program), (7, Action::Control)] {
        let bytes = [0x81, 0x0a, 0, 12, 1, 4, 0, 5, 7, 20, 9, state];
        assert_eq!(one(&mut Decoder::default(), Side::Client, &bytes).action, action);
    }
}

#[test]
fn a_halted_program_is_controlled_and_a_present_value_is_written() {
    let halt = one(&mut Decoder::default(), Side::Client, &sized(&HALT[..21]));
    assert_eq!(
        (halt.action, halt.object.as_deref()),
        (Action::Control, Some("program 1 program-change halt"))
    );
    let value =
        sized(b"\x81\x0a\0\0\x01\x04\0\x05\x08\x0f\x0c\0\x40\0\x07\x19\x55\x3e\x44\x42\x48\0\0\x3f\x49\x08");
    let write = one(&mut Decoder::default(), Side::Client, &value);
    assert_eq!(
        (write.action, write.object.as_deref()),
        (Action::Write, Some("analog-output 7 present-value"))
    );
}

#[test]
fn a_program_change_is_found_among_several_writes() {
    let several =
        b"\x81\x0a\0\0\x01\x04\0\x05\x08\x10\x0c\0\x40\0\x07\x1e\x09\x55\x2e\x44\x42\x48\0\0\x2f\x1f\
        \x0c\x04\0\0\x02\x1e\x09\x5a\x2e\x91\x01\x2f\x1f";
    let command = one(&mut Decoder::default(), Side::Client, &sized(several));
    assert_eq!(
        (command.action, command.object.as_deref()),
        (Action::Program, Some("program 2 program-change load"))
    );
}

#[test]
fn a_file_is_read_out_and_written_to() {
    let file = |service: u8| {
        sized(&[
            0x81, 0x0a, 0, 0, 1, 4, 0, 5, 8, service, 0xc4, 2, 0x80, 0, 1, 0x0e, 0x31, 0, 0x21, 0x40, 0x0f,
        ])
    };
    let read = one(&mut Decoder::default(), Side::Client, &file(6));
    assert_eq!((read.action, read.object.as_deref()), (Action::ReadProgram, Some("file 1")));
    assert_eq!(one(&mut Decoder::default(), Side::Client, &file(7)).action, Action::Program);
}

#[test]
fn silencing_a_device_controls_it() {
    let command = one(
        &mut Decoder::default(),
        Side::Client,
        &sized(b"\x81\x0a\0\0\x01\x04\0\x05\x08\x11\x09\x3c\x19\x01"),
    );
    assert_eq!((command.action, command.object.as_deref()), (Action::Control, Some("disable")));
}

#[test]
fn properties_of_a_device_object_are_facts_also_of_a_station_behind_a_router() {
    let events = feed(&mut Decoder::default(), Side::Server, &sized(MODEL));
    assert_eq!(facts(&events), [(Side::Server, Model, "TC-1000")]);
    // The same, from station 7 of network 5.
    let mut routed = MODEL[..5].to_vec();
    routed.extend([8, 0, 5, 1, 7]);
    routed.extend(&MODEL[6..]);
    let events = feed(&mut Decoder::default(), Side::Server, &sized(&routed));
    let [Event::Command(command), Event::About(about)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(command.unit, Some(5));
    let of = |station: &str| About::Behind {
        router: Side::Server,
        station: station.into(),
        field: Model,
        value: "TC-1000".into(),
    };
    assert_eq!(*about, of("5:7"));
    // Station 10.0.0.7:47808 of another BACnet/IP network; one with an address longer than any kind has.
    let long = [6, 10, 0, 0, 7, 0xba, 0xc0];
    for (address, expected) in [(&long[..], Some("5:0x0a000007bac0")), (&[9; 10], None), (&[0], None)] {
        let mut routed = [&MODEL[..5], &[8, 0, 5], address].concat();
        routed.extend(&MODEL[6..]);
        let events = feed(&mut Decoder::default(), Side::Server, &sized(&routed));
        let about =
            events.iter().find_map(|event| if let Event::About(about) = event { Some(about) } else { None });
        assert_eq!(about, expected.map(of).as_ref(), "{events:?}");
    }
    // What a broadcast manager passes on is nobody's that is seen here.
    let forwarded = [&[0x81, 4, 0, 0, 10, 0, 0, 7, 0xba, 0xc0][..], &MODEL[4..]].concat();
    let events = feed(&mut Decoder::default(), Side::Server, &sized(&forwarded));
    assert!(matches!(&events[..], [Event::Command(_)]), "{events:?}");
}

#[test]
fn several_properties_in_one_answer_are_all_facts() {
    let answer = b"\x81\x0a\0\0\x01\0\x30\x09\x0e\x0c\x02\0\x03\x52\x1e\x29\x4d\x4e\x75\x05\0AHU1\x4f\
        \x29\x2c\x4e\x75\x04\x001.2\x4f\x29\x46\x5e\x91\x02\x91\x20\x5f\x1f";
    let events = feed(&mut Decoder::default(), Side::Server, &sized(answer));
    assert_eq!(facts(&events), [(Side::Server, Name, "AHU1"), (Side::Server, Firmware, "1.2")]);
}

#[test]
fn a_foreign_device_registers_and_is_refused() {
    let mut decoder = Decoder::default();
    let register = one(&mut decoder, Side::Client, b"\x81\x05\0\x06\0\x3c");
    assert_eq!((register.action, register.name), (Action::Configure, "register-foreign-device"));
    assert_eq!(register.object.as_deref(), Some("for 60 seconds"));
    let refused = one(&mut decoder, Side::Server, b"\x81\0\0\x06\0\x30");
    assert_eq!(refused.status, Status::Refused(0x30, "register-foreign-device nak"));
    assert_eq!(refused.name, "register-foreign-device");
    let table = b"\x81\x01\0\x0e\x0a\0\0\x01\xba\xc0\xff\xff\xff\xff";
    assert_eq!(one(&mut decoder, Side::Client, table).action, Action::Configure);
}

#[test]
fn what_is_forwarded_is_read_but_not_a_fact_about_the_forwarder() {
    let mut forwarded = b"\x81\x04\0\0\x0a\0\0\x09\xba\xc0".to_vec();
    forwarded.extend(&I_AM[4..]);
    let events = feed(&mut Decoder::default(), Side::Client, &sized(&forwarded));
    assert!(facts(&events).is_empty());
    assert!(matches!(&events[..], [Event::Command(command)] if command.name == "i-am"), "{events:?}");
}

#[test]
fn only_the_first_segment_of_a_message_is_told() {
    let first = sized(b"\x81\x0a\0\0\x01\x04\x0c\x05\x08\0\x04\x07\xc4\x02\x80\0\x01");
    assert_eq!(one(&mut Decoder::default(), Side::Client, &first).action, Action::Program);
    let second = sized(b"\x81\x0a\0\0\x01\x04\x0c\x05\x08\x01\x04\x07\xff\xff");
    assert!(feed(&mut Decoder::default(), Side::Client, &second).is_empty());
}

#[test]
fn a_length_that_is_not_the_datagrams_is_malformed_and_read_as_devices_do() {
    // As somebody really sent it: 17 said, 18 there.
    let mut wrong = sized(COLDSTART);
    wrong[3] = 0x11;
    let events = feed(&mut Decoder::default(), Side::Client, &wrong);
    assert!(
        matches!(&events[..], [Event::Malformed(Malformed::BadLength), Event::Command(c)] if c.action == Action::Control),
        "{events:?}"
    );
    assert_eq!(ask(&SPEC, &wrong, true), Verdict::Yes);
    assert_eq!(ask(&SPEC, &wrong, false), Verdict::No);
    for message in [SCAN, WHO_IS, I_AM] {
        assert_eq!(ask(&SPEC, message, false), Verdict::Yes);
    }
    // DNS and NTP.
    assert_eq!(ask(&SPEC, b"\x81\x0a\x01\0\0\x01\0\0\0\0\0\0\x03www", true), Verdict::No);
    assert_eq!(ask(&SPEC, &[0x23; 48], true), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes);
    }

    #[test]
    fn near_messages_are_survived(bytes in near(&[SCAN, WHO_IS, I_AM, COLDSTART, PASSWORD_FAILURE, HALT, MODEL])) {
        survives(&SPEC, &bytes);
        survives(&SPEC, &if bytes.len() > 4 { sized(&bytes) } else { bytes });
    }
}
