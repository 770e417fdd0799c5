use proptest::prelude::*;

use super::*;
use crate::protocol::AssetField;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

const INITIATE: &str = "01 00 00 00 0001 000d 01 00007530";
const IDENTIFIER: &str = "01 00 03 00 0002 000d 02 80 00 00 82";
const RESET: &str = "01 00 03 00 0003 0011 82 a6 06 bc 61 4e 2a 00 f1";
const RESET_PROTECTED: &str = "01 01 03 00 0003 0013 86 a6 06 bc 61 4e 2a 02 07 00 f1";

#[test]
fn a_master_reset_controls_and_may_be_protected() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(&[INITIATE, IDENTIFIER, RESET].concat()), &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
    let expected = [
        (Action::Session, "session initiate"),
        (Action::Discover, "read unique identifier"),
        (Action::Control, "perform device reset"),
    ];
    assert_eq!(told, expected);
    let events = feed(&mut decoder, Side::Server, &hex(RESET_PROTECTED), &[]);
    assert_eq!(commands(&events)[0].status, Status::Refused(7, "in write protect mode"));
}

/// A WirelessHART gateway identifies itself, from a capture of cisagov/icsnpp-hart-ip (`hart-ip.pcap`).
const IDENTIFIED: &str = "010103000002 0029 86 264e0000d2 00 18 00d0 \
    fe264e050704010e0c0000d205020002d00026002684 e4";
const LONG_TAG: &str = "01000300000a0011 82 a64e0000d2 14 00 18";
const LONG_TAG_IS: &str = "01010300000a0033 86 264e0000d2 14 22 00d0 \
    7769686172746777000000000000000000000000000000000000000000000000 db";

#[test]
fn who_answers_at_the_address_tells_who_it_is() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(IDENTIFIER), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(IDENTIFIED), &[]);
    let expected = [
        (AssetField::Vendor, "Rosemount"),
        (AssetField::Model, "HART device type 0x264e"),
        (AssetField::Firmware, "1"),
        (AssetField::Serial, "210"),
    ];
    assert_eq!(facts(&events), expected);
    feed(&mut decoder, Side::Client, &hex(LONG_TAG), &[]);
    let events = feed(&mut decoder, Side::Server, &hex(LONG_TAG_IS), &[]);
    assert_eq!(facts(&events), [(AssetField::Name, "wihartgw")]);
}

#[test]
fn an_instrument_behind_it_is_named_and_is_not_the_gateway() {
    let mut decoder = Decoder::default();
    let ask = hex(&LONG_TAG.replace("a64e0000d2", "a695eb27b8"));
    let asked = commands(&feed(&mut decoder, Side::Client, &ask, &[]))[0].object.clone();
    assert_eq!(asked.as_deref(), Some("instrument 26:95:eb:27:b8"));
    let answer = hex(&LONG_TAG_IS.replace("264e0000d2", "2695eb27b8"));
    assert_eq!(facts(&feed(&mut decoder, Side::Server, &answer, &[])), []);
}

#[test]
fn the_commands_of_a_direct_pdu_are_told_one_by_one() {
    let mut decoder = Decoder::default();
    let ask = hex("0100040000190018 0000 0000 00 0023 05 0000000000 0001 00");
    let events = feed(&mut decoder, Side::Client, &ask, &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
    let expected = [
        (Action::Discover, "read unique identifier"),
        (Action::Configure, "write primary variable range"),
        (Action::Read, "read primary variable"),
    ];
    assert_eq!(told, expected);
    // The identity is that of `hart-ip_all_types_and_commands_sent.pcapng` of the same source.
    let answer = hex(
        "010104000019002c 0000 0000 17 00fef9fd000702324e0095266f0003000a0100f900f941 0023 01 07 0001 01 40",
    );
    let events = feed(&mut decoder, Side::Server, &answer, &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.code, c.status.clone())).collect();
    let expected = [
        (0, Status::Ok),
        (35, Status::Refused(7, "in write protect mode")),
        (1, Status::Refused(64, "command not implemented")),
    ];
    assert_eq!(told, expected);
    assert!(facts(&events).contains(&(AssetField::Serial, "9774703")), "{events:?}");
}

#[test]
fn an_extended_command_is_told_by_its_own_number() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex("0100030000030013 82 a64e0000d2 1f 02 0200 ff"), &[]);
    assert_eq!(commands(&events)[0].code, 0x200);
    let events =
        feed(&mut decoder, Side::Server, &hex("0101030000030015 86 264e0000d2 1f 04 0000 0200 ff"), &[]);
    assert_eq!((commands(&events)[0].code, commands(&events)[0].status.clone()), (0x200, Status::Ok));
}

#[test]
fn a_direct_pdu_that_ends_inside_a_command_is_malformed() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex("01000400001a000e 0000 0023 05 00"), &[]);
    assert_eq!(events, [Event::Malformed(Malformed::BadLength)]);
}

#[test]
fn strangers_are_refused() {
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
    assert_eq!(ask(&SPEC, &hex(INITIATE), false), Verdict::Yes);
    let mut long = hex(INITIATE);
    long[6] = 0x20;
    assert_eq!(
        feed(&mut Decoder::default(), Side::Client, &long, &[])[0],
        Event::Malformed(Malformed::BadLength)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
        survives(&SPEC, &bytes)?;
        let mut near = hex(&[INITIATE, RESET, RESET_PROTECTED, IDENTIFIER, IDENTIFIED, LONG_TAG, LONG_TAG_IS].concat());
        let at = at.index(near.len());
        near[at] = byte;
        survives(&SPEC, &near)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &hex(&[INITIATE, IDENTIFIER, RESET].concat()), &cuts)?;
    }
}
