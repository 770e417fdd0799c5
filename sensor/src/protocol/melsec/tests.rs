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
fn inputs_are_numbered_as_the_manual_does() {
    let read = READ.replace("640000 a8", "100000 9c");
    let events = feed(&mut Decoder::default(), Side::Client, &hex(&read), &[]);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("X10 count 3"));
}

#[test]
fn the_type_name_is_the_model() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(TYPE), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(TYPE_OK), &[]);
    assert_eq!(facts(&events), MODEL);
}

/// As above in ASCII: reads D100 to D102, stops, asks the model with a number.
const ASCII_READ: &str = "500000FF03FF000018001004010000D*0001000003";
const ASCII_READ_OK: &str = "D00000FF03FF0000100000123400021DEF";
const ASCII_STOP: &str = "500000FF03FF0000100010100200000001";
const ASCII_STOP_REFUSED: &str = "D00000FF03FF000016C05900FF03FF0010020000";
const ASCII_TYPE: &str = "54001234000000FF03FF00000C001001010000";
const ASCII_TYPE_IS: &str = "D4001234000000FF03FF0000180000Q03UDECPU       0268";

#[test]
fn ascii_frames_say_the_same() {
    let mut decoder = Decoder::default();
    let asked = [ASCII_READ, ASCII_STOP].concat();
    let told = feed(&mut decoder, Side::Client, asked.as_bytes(), &[7, 20, 43]);
    let [read, stop] = commands(&told)[..] else { panic!("{told:?}") };
    assert_eq!((read.action, read.name, &*read.code_text), (Action::Read, "device read", "0x0401"));
    assert_eq!(read.object.as_deref(), Some("D100 count 3"));
    assert_eq!((stop.action, stop.name), (Action::Control, "remote stop"));
    // The second request took the place of the first: 3E answers come in turn.
    let events = feed(&mut decoder, Side::Server, ASCII_STOP_REFUSED.as_bytes(), &[]);
    let refused = Status::Refused(0xc059, "command or subcommand not supported");
    assert_eq!((commands(&events)[0].name, commands(&events)[0].status.clone()), ("remote stop", refused));
    let events = feed(&mut decoder, Side::Server, ASCII_READ_OK.as_bytes(), &[]);
    assert_eq!(commands(&events)[0].status, Status::Ok);
    feed(&mut decoder, Side::Client, ASCII_TYPE.as_bytes(), &[]);
    assert_eq!(facts(&feed(&mut decoder, Side::Server, ASCII_TYPE_IS.as_bytes(), &[])), MODEL);
}

const MODEL: [(AssetField, &str); 2] =
    [(AssetField::Vendor, "Mitsubishi Electric"), (AssetField::Model, "Q03UDECPU")];

#[test]
fn ascii_is_refused_where_digits_are_none() {
    assert_eq!(ask(&SPEC, ASCII_READ.as_bytes(), false), Verdict::Yes);
    assert_eq!(ask(&SPEC, &ASCII_READ.as_bytes()[..9], false), Verdict::NeedMore);
    assert_eq!(ask(&SPEC, b"5000 miles from home, and no controller in sight", true), Verdict::No);
    let events = feed(&mut Decoder::default(), Side::Client, b"500000FF03FF00000Z001004010000", &[]);
    assert_eq!(events[0], Event::Malformed(Malformed::BadValue));
}

/// GX Works asks an FX5U what it is, writes a file and stops it, from `melsoft_UDP_clean_1.pcap` of ITI/ICS-Security-Tools.
const TOOL_TYPE: &str = "57010000001111070000ffff030000fe03000020001c0a1614\
    0000000000000000000000000000000000000000 0121 01000000 0001";
const TOOL_TYPE_IS: &str = "d70100000011117f000000a80300ffff03000038009c0a1814\
    000000000000000000000000000000000000 00000000 0121 01000000 465835552d33324d542f455300000000 294a0008 00000000";
const TOOL_STOP: &str = "57010000001111070000ffff030000fe03000020001c0a1614\
    0000000000000000000000000000000000000000 1002 0b000000 0100";
const TOOL_OPEN: &str = "57010000001111070000ffff030000fe03000034001c0a1614\
    0000000000000000000000000000000000000000 1867 0b000000 00000000040000000000 24004d0045004c005c004100";
const TOOL_WRITE: &str = "57010000001111070000ffff030000fe03000020001c0a1614\
    0000000000000000000000000000000000000000 1869 21000000 0100";
const SEARCH: &str = "5a000001";
const FOUND: &str = "da0000011400c0a80365c0a80065";

#[test]
fn the_makers_own_tools_are_read() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(TOOL_TYPE), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(TOOL_TYPE_IS), &[]);
    assert_eq!(facts(&events)[1], (AssetField::Model, "FX5U-32MT/ES"));
    assert_eq!(
        (commands(&events)[0].name, commands(&events)[0].status.clone()),
        ("read type name", Status::Ok)
    );
    let bytes = [TOOL_STOP, TOOL_OPEN, TOOL_WRITE].map(hex).concat();
    let events = feed(&mut decoder, Side::Client, &bytes, &[30, 60, 100]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
    let expected =
        [(Action::Control, "remote stop"), (Action::Session, "open file"), (Action::Program, "write file")];
    assert_eq!(told, expected);
    assert_eq!(commands(&events)[1].object.as_deref(), Some("$MEL\\A"));
}

#[test]
fn the_tools_search_counts_on_its_port_only() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(SEARCH), &[]);
    assert_eq!(
        (commands(&events)[0].action, commands(&events)[0].name),
        (Action::Discover, "search controller")
    );
    let events = feed(&mut Decoder::default(), Side::Server, &hex(FOUND), &[]);
    assert_eq!(commands(&events)[0].status, Status::Ok);
    for text in [SEARCH, FOUND] {
        assert_eq!(
            (ask(&SPEC, &hex(text), true), ask(&SPEC, &hex(text), false)),
            (Verdict::Yes, Verdict::No)
        );
    }
    assert_eq!(ask(&SPEC, &hex(TOOL_STOP), false), Verdict::Yes);
    assert_eq!(ask(&SPEC, &hex(&TOOL_STOP.replace("001111", "001011")), true), Verdict::No);
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
        for text in [READ, READ_OK, STOP_REFUSED, TYPE_OK, TOOL_TYPE_IS, TOOL_OPEN, FOUND] {
            let mut near = hex(text);
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }
        for text in [ASCII_READ, ASCII_STOP_REFUSED] {
            let mut near = text.as_bytes().to_vec();
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &hex(&[READ, TYPE, STOP, TOOL_STOP, TOOL_OPEN].concat()), &cuts)?;
        same_however_cut(&SPEC, [ASCII_READ, ASCII_READ].concat().as_bytes(), &cuts)?;
    }
}
