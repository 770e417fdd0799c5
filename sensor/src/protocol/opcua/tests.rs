use proptest::prelude::*;

use super::*;
use crate::protocol::command::{Action, Direction, Status};
use crate::protocol::input::{Side, Verdict};
use crate::protocol::testing::{self, commands, facts, feed, hex};
use crate::protocol::{AssetField, Malformed};

const HELLO: &str = "48454c46 38000000 00000000 ffff0000 ffff0000 00000000 00000000 \
                     18000000 6f70632e7463703a2f2f6c6f63616c686f73743a34383430";
const OPEN: &str = "4f504e46 84000000 00000000 2f000000 \
                    687474703a2f2f6f7063666f756e646174696f6e2e6f72672f55412f5365637572697479506f6c696379234e6f6e65 \
                    ffffffff ffffffff 01000000 01000000 0100be01 0000 620b763b3aaad701 00000000 00000000 ffffffff \
                    00000000 000000 00000000 00000000 01000000 ffffffff c0270900";

/// A message with these ids and this body, in one chunk.
fn msg(chunk: u8, request: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b'M', b'S', b'G', chunk];
    bytes.extend((body.len() as u32 + 24).to_le_bytes());
    for field in [7, 1, 1, request] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(body);
    bytes
}

/// A service's id and an empty request header.
fn request(id: u16, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![1, 0];
    body.extend(id.to_le_bytes());
    body.extend(hex("0000 0000000000000000 01000000 00000000 ffffffff 10270000 0000 00"));
    body.extend(rest);
    body
}

/// A service's id and a response header with that result.
fn response(id: u16, result: u32, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![1, 0];
    body.extend(id.to_le_bytes());
    body.extend(hex("0000000000000000 01000000"));
    body.extend(result.to_le_bytes());
    body.extend(hex("00 ffffffff 0000 00"));
    body.extend(rest);
    body
}

#[test]
fn a_connection_opens_with_hello_and_a_channel_without_security() {
    let events = feed(&mut Decoder::default(), Side::Client, &[hex(HELLO), hex(OPEN)].concat(), &[]);
    let [hello, open] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((&*hello.code_text, hello.object.as_deref()), ("HEL", Some("opc.tcp://localhost:4840")));
    assert_eq!((&*open.code_text, open.name), ("446", "open secure channel"));
    assert_eq!(open.object.as_deref(), Some("policy None, mode None"));
}

#[test]
fn a_write_names_its_node_and_its_refusal_is_paired() {
    let mut decoder = Decoder::default();
    // Two values, the first of ns=2;s=Tank.
    let asked =
        msg(b'F', 9, &request(673, &hex("02000000 03 0200 04000000 54616e6b 0d000000 ffffffff 01 01 01")));
    let events = feed(&mut decoder, Side::Client, &asked, &[]);
    let [write] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((write.name, write.action, &*write.code_text), ("write", Action::Write, "673"));
    assert_eq!(write.object.as_deref(), Some("ns=2;s=Tank and 1 more"));
    let answer = msg(b'F', 9, &response(676, 0, &hex("02000000 00003b80 00003b80 ffffffff")));
    let events = feed(&mut decoder, Side::Server, &answer, &[]);
    let [refused] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((refused.code, refused.direction), (673, Direction::Response));
    assert_eq!(refused.status, Status::Refused(0x803b_0000, "BadNotWritable"));
    assert_eq!(refused.object.as_deref(), Some("ns=2;s=Tank and 1 more"));
}

#[test]
fn a_service_fault_refuses_what_was_asked() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &msg(b'F', 3, &request(527, &[])), &[]);
    let events = feed(&mut decoder, Side::Server, &msg(b'F', 3, &response(397, 0x8025_0000, &[])), &[]);
    let [fault] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((fault.name, fault.action), ("browse", Action::Discover));
    assert_eq!(fault.status, Status::Refused(0x8025_0000, "BadSessionIdInvalid"));
}

#[test]
fn a_method_is_named_and_a_refresh_changes_nothing() {
    let call = |method: &str| {
        let body = [hex("01000000 0100cc08"), hex(method), hex("00000000")].concat();
        let events = feed(&mut Decoder::default(), Side::Client, &msg(b'F', 1, &request(712, &body)), &[]);
        commands(&events)[0].clone()
    };
    assert_eq!(call("0102 0500").object.as_deref(), Some("ns=2;i=5 of i=2252"));
    assert_eq!(call("0102 0500").action, Action::Write);
    assert_eq!(call("0100 230f").action, Action::Read);
}

#[test]
fn a_session_says_who_uses_it() {
    // Null signature, no certificates, no locales, a user name token: policy, name, password, algorithm.
    let token = hex("0100 4401 01 16000000 02000000 6964 04000000 6a6f686e ffffffff ffffffff");
    let body = [hex("ffffffff ffffffff ffffffff ffffffff"), token].concat();
    let events = feed(&mut Decoder::default(), Side::Client, &msg(b'F', 1, &request(467, &body)), &[]);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("user john"));
}

#[test]
fn endpoints_tell_the_servers_name() {
    let endpoint = b"\x01\0\0\0\x03\0\0\0url\x03\0\0\0uri\xff\xff\xff\xff\x02\x06\0\0\0Boiler";
    let events = feed(&mut Decoder::default(), Side::Server, &msg(b'F', 1, &response(431, 0, endpoint)), &[]);
    assert_eq!(facts(&events), [(AssetField::Name, "Boiler")]);
}

#[test]
fn chunks_become_a_message_and_an_abort_refuses() {
    let body = request(673, &hex("01000000 03 0200 04000000 54616e6b"));
    let mut decoder = Decoder::default();
    let bytes = [msg(b'C', 4, &body[..10]), msg(b'C', 4, &body[10..20]), msg(b'F', 4, &body[20..])].concat();
    let events = feed(&mut decoder, Side::Client, &bytes, &[]);
    let [write] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!(write.object.as_deref(), Some("ns=2;s=Tank"));
    let events = feed(&mut decoder, Side::Server, &msg(b'A', 4, &hex("0000b980 ffffffff")), &[]);
    assert_eq!((commands(&events)[0].name, commands(&events)[0].direction), ("write", Direction::Response));
    assert!(matches!(commands(&events)[0].status, Status::Refused(0x80b9_0000, _)));
}

#[test]
fn of_an_encrypted_channel_the_services_are_not_observable() {
    let policy = b"http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";
    let mut open = b"OPNF\0\0\0\0\x07\0\0\0".to_vec();
    open.extend((policy.len() as u32).to_le_bytes());
    open.extend(policy);
    open.extend(hex("02000000 aaaa 02000000 bbbb"));
    open.extend([0x5a; 64]);
    let size = (open.len() as u32).to_le_bytes();
    open[4..8].copy_from_slice(&size);
    let mut decoder = Decoder::default();
    let events = feed(&mut decoder, Side::Client, &open, &[]);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("policy Basic256Sha256, mode not observable"));
    let events = feed(&mut decoder, Side::Client, &msg(b'F', 0x7755_3311, &[0x99; 48]), &[]);
    let [hidden] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((hidden.name, hidden.action), ("encrypted message, service not observable", Action::Other));
    let events = feed(&mut decoder, Side::Server, &msg(b'F', 0x1234_5678, &[0x42; 48]), &[]);
    assert_eq!(commands(&events)[0].direction, Direction::Response);
    // Signed only: it can be read.
    let events = feed(&mut decoder, Side::Client, &msg(b'F', 5, &request(673, &hex("01000000 0005"))), &[]);
    assert_eq!(commands(&events)[0].name, "write");
}

#[test]
fn what_the_specification_does_not_allow_is_malformed() {
    for (bytes, expected) in [
        ("4d5347 46 10000000 00000000 00000000", Malformed::BadLength),
        ("48454c 43 38000000 00000000 00000000", Malformed::BadValue),
        ("4d534700 20000000", Malformed::BadValue),
        ("474554202f", Malformed::BadVersion),
    ] {
        let events = feed(&mut Decoder::default(), Side::Client, &hex(bytes), &[]);
        assert!(events.contains(&Event::Malformed(expected)), "{bytes}: {events:?}");
    }
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &hex(OPEN), &[]);
    let events = feed(&mut decoder, Side::Client, &msg(b'F', 5, &[9, 9, 9, 9]), &[]);
    assert!(events.contains(&Event::Malformed(Malformed::BadValue)), "{events:?}");
}

#[test]
fn a_chunk_longer_than_any_buffer_tells_its_service_and_is_passed_over() {
    let mut body = request(673, &hex("01000000 0005"));
    body.resize(300_000, 0);
    let bytes = [msg(b'F', 1, &body), hex(HELLO)].concat();
    let mut decoder = Decoder::default();
    let (mut from, mut out) = (0, Vec::new());
    for to in (0..=bytes.len()).step_by(40_000).chain([bytes.len()]) {
        let input =
            Input { bytes: &bytes[from..to.max(from)], side: Side::Client, truncated: false, gap: false };
        from += decoder.decode(input, &mut out);
    }
    assert_eq!(commands(&out).iter().map(|command| command.name).collect::<Vec<_>>(), ["write", "hello"]);
}

#[test]
fn after_a_gap_inside_a_message_the_next_one_is_found() {
    let bytes = [vec![0x4d; 11], msg(b'F', 5, &request(673, &hex("01000000 0005")))].concat();
    let mut out = Vec::new();
    let input = Input { bytes: &bytes, side: Side::Client, truncated: false, gap: true };
    assert_eq!(Decoder::default().decode(input, &mut out), bytes.len());
    assert!(matches!(&out[..], [Event::Command(command)] if command.name == "write"), "{out:?}");
}

#[test]
fn strangers_are_refused_and_its_own_are_known_anywhere() {
    for hinted in [true, false] {
        for stranger in testing::STRANGERS {
            assert_ne!(testing::ask(&SPEC, stranger, hinted), Verdict::Yes, "{stranger:?}");
        }
        assert_eq!(testing::ask(&SPEC, b"HELO mail.example.org\r\n", hinted), Verdict::No);
        for own in [hex(HELLO), hex(OPEN), msg(b'F', 1, &request(631, &[]))] {
            assert_eq!(testing::ask(&SPEC, &own, hinted), Verdict::Yes);
            assert_eq!(testing::ask(&SPEC, &own[..6], hinted), Verdict::NeedMore);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        testing::survives(&SPEC, &bytes)?;
    }

    #[test]
    fn any_body_is_survived(
        id in prop::sample::select(vec![397_u16, 428, 431, 446, 461, 464, 467, 673, 676, 712, 715]),
        whole: bool,
        rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let body = if whole { [request(id, &[]), rest].concat() } else { [vec![1, 0], id.to_le_bytes().to_vec(), rest].concat() };
        testing::survives(&SPEC, &msg(b'F', 1, &body))?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments_among_garbage_either(
        parts in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12)), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        testing::same_among_garbage(&SPEC, &[hex(HELLO), hex(OPEN), msg(b'F', 1, &request(673, &[0; 20]))], &parts, &cuts)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(
        messages in prop::collection::vec(
            (prop::sample::select(b"FCA".to_vec()), 0_u32..3, prop::sample::select(vec![397_u16, 631, 634, 673, 676]), prop::collection::vec(any::<u8>(), 0..40)),
            1..8,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(chunk, id, service, rest)| msg(*chunk, *id, &request(*service, rest))).collect();
        testing::same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
