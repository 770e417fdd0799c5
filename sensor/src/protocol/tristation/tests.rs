use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, feed, hex, survives};

const CONNECT: &str = "01000000 01fc";
const HALT: &str = "05000a000000150100002a000a00 c256";
const HALTED: &str = "05000a0001006e01000084000a00 f5ec";
/// Command rejected: the key switch.
const KEY: &str = "05000b0001006401000050010b00d4 3017";

#[test]
fn a_halt_controls_and_the_key_may_refuse_it() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(HALT), &[]);
    assert_eq!((commands(&events)[0].action, commands(&events)[0].name), (Action::Control, "halt program"));
    let events = feed(&mut decoder, Side::Server, &hex(HALTED), &[]);
    assert_eq!(
        (commands(&events)[0].name, commands(&events)[0].status.clone()),
        ("halt program", Status::Ok)
    );
    feed(&mut decoder, Side::Client, &hex(HALT), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(KEY), &[]);
    assert_eq!(commands(&events)[0].status, Status::Refused(212, "key setting prohibits this operation"));
}

#[test]
fn the_crc_is_that_of_the_catalogue() {
    // CRC-16/ARC of the usual nine digits.
    assert_eq!(crc(b"123456789"), 0xbb3d);
}

#[test]
fn sizes_must_agree_and_strangers_are_refused() {
    for hinted in [true, false] {
        assert_eq!(ask(&SPEC, &hex(HALT), hinted), Verdict::Yes);
    }
    assert_eq!(
        (ask(&SPEC, &hex(CONNECT), true), ask(&SPEC, &hex(CONNECT), false)),
        (Verdict::Yes, Verdict::No)
    );
    assert_eq!(ask(&SPEC, &hex(&HALT.replacen("0a00", "0b00", 1)), true), Verdict::No);
    let events = feed(&mut Decoder::default(), Side::Client, &hex(HALT)[..12], &[]);
    assert_eq!(events, [Event::Malformed(Malformed::BadLength)]);
    let mut other = hex(HALT);
    other[6] = 20;
    assert_eq!(
        feed(&mut Decoder::default(), Side::Client, &other, &[]),
        [Event::Malformed(Malformed::BadChecksum)]
    );
    assert_eq!(ask(&SPEC, &other, true), Verdict::No);
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
        survives(&SPEC, &bytes)?;
        for text in [CONNECT, HALT, KEY] {
            let mut near = hex(text);
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }
    }
}
