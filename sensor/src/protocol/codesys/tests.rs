use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

const LOGIN: &str = "bbbb 01000000 01";
/// Messages of Microsoft's ics-forensics-tools, captured as it spoke to a responder; over TCP a block driver's header precedes them.
const SEARCH: &str = "c56b40030010000102c2000400000000";
const IDENTIFIED: &str = "c56b4004001100010002000080c20004000000000800010000000900230007000610000021000000100505030000\
    00000c000000000000000000000050004c0043002d004c0049004e0045003100000043004f004400450053005900\
    5300200043006f006e00740072006f006c00200066006f0072002000520061007300700062006500720072007900\
    200050006900200053004c00000043004f0044004500530059005300000030303030423832374542313200";
const DEVICE_LOGIN: &str = "c56b404000110002000100000181050001000000000000005800000008f5750a55cd0c0001000200000000004800\
    0000228480000100000023848000785634128101b400100e41646d696e6973747261746f720011a080008a654452\
    b1364566cd233237ee757068af546875da3f7068d944722aea556252";
const LOGGED_IN: &str = "c56b404000110001000200000101050001000000010000001d0000000000000055cd0c0081000200000000000d00\
    000082010a200200002104efbeadde";
const STOP: &str = "c56b4040001100020001000001810500050000000400000010000000b182969155cd0c0002001100efbeadde0000\
    0000";
const STOP_REFUSED: &str = "c56b40400011000100020000010105000500000005000000140000000000000055cd0c0082001100efbeadde0400\
    000001020203";
const RESET: &str = "c56b404000110002000100000181050007000000060000001a000000256b89a055cd0c0002001200efbeadde0a00\
    000081018600108280000100";
/// The first bytes of a block.
const DOWNLOAD: &str = "c56b40400011000200010000018105000800000007000000cc0b0000340dfddf55cd0c0002000500efbeaddebc0b\
    000002b8970090909090909090909090909090909090909090909090909090909090909090909090909090909090";
const SHELL: &str = "c56b404000110002000100000181050013000000120000002b000000eb576de455cd0c0011000100efbeadde1b00\
    000011848000efbeadde1384800000000000100972656c6f6164000000";

/// In a block driver's frame.
fn framed(packet: &str) -> Vec<u8> {
    let packet = hex(packet);
    let length = u32::try_from(packet.len() + BLOCK_HEADER).unwrap().to_le_bytes();
    [&[0, 1, 0x17, 0xe8][..], &length, &packet].concat()
}

#[test]
fn who_is_found_tells_who_it_is() {
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &hex(SEARCH), &[]);
    assert_eq!((commands(&events)[0].action, commands(&events)[0].name), (Action::Discover, "search nodes"));
    let events = feed(&mut decoder, Side::Server, &hex(IDENTIFIED), &[]);
    let expected = [
        (AssetField::Name, "PLC-LINE1"),
        (AssetField::Model, "CODESYS Control for Raspberry Pi SL"),
        (AssetField::Vendor, "CODESYS"),
        (AssetField::Firmware, "3.5.5.16"),
        (AssetField::Serial, "0000B827EB12"),
    ];
    assert_eq!(facts(&events), expected);
}

#[test]
fn services_in_channels_are_told_alike_on_udp_and_tcp() {
    let (mut udp, mut tcp) = (Vec::new(), Vec::new());
    let mut decoders = [Decoder::default(), Decoder::default()];
    for packet in [DEVICE_LOGIN, STOP, RESET, DOWNLOAD, SHELL] {
        udp.extend(feed(&mut decoders[0], Side::Client, &hex(packet), &[]));
        tcp.extend(feed(&mut decoders[1], Side::Client, &framed(packet), &[3, 11]));
    }
    assert_eq!(udp, tcp);
    let told: Vec<_> = commands(&udp).iter().map(|c| (c.action, c.name, c.object.as_deref())).collect();
    let expected = [
        (Action::Auth, "device login", Some("user Administrator")),
        (Action::Control, "stop application", None),
        (Action::Control, "reset application", Some("cold")),
        (Action::Program, "download", None),
        (Action::Configure, "shell command", Some("reload")),
    ];
    assert_eq!(told, expected);
    let events = feed(&mut decoders[0], Side::Server, &hex(LOGGED_IN), &[]);
    let login = commands(&events)[0];
    assert_eq!((login.object.as_deref(), &login.status), (Some("user Administrator"), &Status::Ok));
    let events = feed(&mut decoders[0], Side::Server, &hex(STOP_REFUSED), &[]);
    let stop = commands(&events)[0];
    assert_eq!((stop.name, &stop.status), ("stop application", &Status::Refused(0x302, "error")));
}

#[test]
fn an_encrypted_channel_is_said_to_be_one() {
    let secure = hex(&STOP.replace("55cd0c00", "57750c00"));
    let events = feed(&mut Decoder::default(), Side::Client, &secure, &[]);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("not observable"));
}

#[test]
fn messages_of_version_2_are_counted_and_not_interpreted() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(LOGIN), &[]);
    assert_eq!(commands(&events)[0].action, Action::Other);
}

#[test]
fn the_login_answer_names_system_and_product() {
    let mut answer = vec![0; 160];
    for (at, text) in [(64, "Nucleus PLUS"), (96, "Nucleus PLUS version 1.13"), (128, "750-881")] {
        answer[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    answer[..6].copy_from_slice(&[0xbb, 0xbb, 154, 0, 0, 0]);
    let events = feed(&mut Decoder::default(), Side::Server, &answer, &[]);
    let system = "Nucleus PLUS Nucleus PLUS version 1.13";
    assert_eq!(facts(&events), [(AssetField::Firmware, system), (AssetField::Model, "750-881")]);
}

#[test]
fn version_2_belongs_to_its_ports_and_strangers_are_refused() {
    assert_eq!((ask(&SPEC, &hex(LOGIN), true), ask(&SPEC, &hex(LOGIN), false)), (Verdict::Yes, Verdict::No));
    for packet in [SEARCH, IDENTIFIED, DEVICE_LOGIN, STOP] {
        assert_eq!(ask(&SPEC, &hex(packet), false), Verdict::Yes);
        assert_eq!(ask(&SPEC, &framed(packet), false), Verdict::Yes);
    }
    assert_eq!(ask(&SPEC, &hex(&SEARCH.replace("02c20004", "02c20009")), true), Verdict::No);
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
    let events = feed(&mut Decoder::default(), Side::Client, &hex("000117e8 02000000 c5"), &[]);
    assert_eq!(events[0], Event::Malformed(Malformed::BadLength));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
        survives(&SPEC, &bytes)?;
        for head in ["bbbb", "000117e8"] {
            survives(&SPEC, &[hex(head), bytes.clone()].concat())?;
        }
        for text in [SEARCH, IDENTIFIED, DEVICE_LOGIN, STOP_REFUSED, SHELL] {
            let mut near = hex(text);
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &[SEARCH, IDENTIFIED, DEVICE_LOGIN, STOP].map(framed).concat(), &cuts)?;
    }
}
