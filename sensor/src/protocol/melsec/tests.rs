use proptest::prelude::*;

use super::*;
use crate::protocol::Action;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

/// Reads D100 to D102 (the manual's own example), stops, asks the model; 3E.
const READ: &str = "5000 00 ff ff03 00 0c00 1000 0104 0000 640000 a8 0300";
const READ_OK: &str = "d000 00 ff ff03 00 0800 0000 3412 0200 ef1d";
const STOP: &str = "5000 00 ff ff03 00 0800 1000 0210 0000 0100";
const STOP_REFUSED: &str = "d000 00 ff ff03 00 0b00 59c0 00 ff ff03 00 0210 0000";
const TYPE: &str = "5400 3412 0000 00 ff ff03 00 0600 1000 0101 0000";
const TYPE_OK: &str = "d400 3412 0000 00 ff ff03 00 1400 0000 51303355444543505520202020202020 6802";

#[test]
fn a_read_says_what_of_and_a_stop_controls() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(READ), &[]);
    let read = commands(&events)[0];
    assert_eq!((read.action, read.name, &*read.code_text), (Action::Read, "device read", "0x0401"));
    assert_eq!(read.object.as_deref(), Some("D100 count 3"));
    assert_eq!(commands(&feed(&mut decoder, Side::Server, &hex(READ_OK), &[]))[0].status, Status::Ok);
    assert_eq!(commands(&feed(&mut decoder, Side::Client, &hex(STOP), &[]))[0].action, Action::Control);
    let events = feed(&mut decoder, Side::Server, &hex(STOP_REFUSED), &[]);
    let refused = commands(&events)[0];
    assert_eq!(refused.status, Status::Refused(0xc059, "command or subcommand not supported"));
    assert_eq!(refused.name, "remote stop");
}

#[test]
fn the_type_name_is_the_model() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(TYPE), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(TYPE_OK), &[]);
    assert_eq!(facts(&events), [(AssetField::Model, "Q03UDECPU")]);
}

#[test]
fn strangers_and_unknown_commands_are_refused() {
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
    for message in [READ, STOP, TYPE] {
        assert_eq!(ask(&SPEC, &hex(message), false), Verdict::Yes);
    }
    assert_eq!(ask(&SPEC, &hex(&READ.replace("0104", "9904")), true), Verdict::No);
    let events = feed(&mut Decoder::default(), Side::Client, &hex(&READ.replace("0c00", "00ff")), &[]);
    assert_eq!(events[0], Event::Malformed(Malformed::BadLength));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
        survives(&SPEC, &bytes)?;
        for text in [READ, READ_OK, STOP_REFUSED, TYPE_OK] {
            let mut near = hex(text);
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &hex(&[READ, TYPE, STOP].concat()), &cuts)?;
    }
}
