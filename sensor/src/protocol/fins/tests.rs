use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

const READ: &str = "80000200000000 00007a 0101 82 006400 0002";
const STOP: &str = "80000200000000 00007a 0402";
const STOP_OK: &str = "c1000200000000 00007a 0402 0000";
const RUN_PROTECTED: &str = "c1000200000000 00007a 0401 3001";
const CONTROLLER: &str = "c0000200000000 00007a 0501 0000 434a32485f435055363720202020202020202020 \
    30312e34302020202020202020202020202020 2020";
/// In TCP: sets the connection up, then a stop.
const HELLO: &str = "46494e53 0000000c 00000000 00000000 00000000";
const TCP_STOP: &str = "46494e53 00000014 00000002 00000000 80000200010000fe0001 0402";

fn command(decoder: &mut Decoder, side: Side, text: &str) -> crate::protocol::Command {
    let events = feed(decoder, side, &hex(text), &[]);
    (*commands(&events).first().unwrap_or_else(|| panic!("{events:?}"))).clone()
}

#[test]
fn a_stop_controls_and_is_answered() {
    let mut decoder = Decoder::default();
    let request = command(&mut decoder, Side::Client, STOP);
    assert_eq!((request.action, request.name, &*request.code_text), (Action::Control, "stop", "0x0402"));
    let response = command(&mut decoder, Side::Server, STOP_OK);
    assert_eq!((response.direction, response.status), (Direction::Response, Status::Ok));
    let refused = command(&mut decoder, Side::Server, RUN_PROTECTED);
    assert_eq!(refused.status, Status::Refused(0x3001, "no access right"));
}

#[test]
fn a_read_says_what_of() {
    let request = command(&mut Decoder::default(), Side::Client, READ);
    assert_eq!((request.action, request.object.as_deref()), (Action::Read, Some("DM 100 count 2")));
}

#[test]
fn controller_data_tell_model_and_version() {
    let events = feed(&mut Decoder::default(), Side::Server, &hex(CONTROLLER), &[]);
    assert_eq!(facts(&events), [(AssetField::Model, "CJ2H_CPU67"), (AssetField::Firmware, "01.40")]);
}

#[test]
fn in_tcp_messages_stand_behind_their_magic_word() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(&[HELLO, TCP_STOP].concat()), &[]);
    let names: Vec<&str> = commands(&events).iter().map(|command| command.name).collect();
    assert_eq!(names, ["node address from client", "stop"]);
}

#[test]
fn a_bad_header_is_malformed_and_strangers_are_refused() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(&STOP.replacen("80", "90", 1)), &[]);
    assert_eq!(events, [Event::Malformed(Malformed::BadVersion)]);
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
    for hinted in [true, false] {
        assert_eq!(ask(&SPEC, &hex(STOP), hinted), Verdict::Yes);
        assert_eq!(ask(&SPEC, &hex(HELLO), hinted), Verdict::Yes);
    }
    // A code nobody has.
    assert_eq!(ask(&SPEC, &hex(&STOP.replace("0402", "0499")), true), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes)?;
        let mut framed = b"FINS\0\0".to_vec();
        framed.extend(&bytes);
        survives(&SPEC, &framed)?;
    }

    #[test]
    fn near_messages_are_survived(at in any::<prop::sample::Index>(), byte: u8) {
        for text in [READ, STOP_OK, CONTROLLER, HELLO, TCP_STOP] {
            let mut bytes = hex(text);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&SPEC, &bytes)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &hex(&[HELLO, TCP_STOP, TCP_STOP].concat()), &cuts)?;
    }
}
