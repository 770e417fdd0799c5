use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

fn frame(kind: u8, sequence: u8, mail: u8, at_42: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEADER];
    (frame[0], frame[2], frame[30], frame[31]) = (kind, sequence, sequence, mail);
    frame[42..42 + at_42.len()].copy_from_slice(at_42);
    frame
}

#[test]
fn a_changed_state_controls_and_may_be_refused() {
    let mut decoder = Decoder::default();
    let bytes = [vec![0; HEADER], frame(2, 6, 0xc0, &[0x23, 1])].concat();
    let events = feed(&mut decoder, Side::Client, &bytes, &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
    assert_eq!(told, [(Action::Session, "initialize"), (Action::Control, "set plc state")]);
    let events = feed(&mut decoder, Side::Server, &frame(3, 6, 0xd1, &[5, 0xf1]), &[]);
    let refused = commands(&events)[0];
    assert_eq!(
        (refused.name, refused.status.clone()),
        ("set plc state", Status::Refused(0x05f1, "valid from a programmer only"))
    );
}

#[test]
fn a_program_load_comes_with_text() {
    let mut load = frame(2, 7, 0x80, &[4, 0, 0, 0, 0, 0, 1, 1, 0x40]);
    load[4] = 4;
    load.extend([1, 2, 3, 4]);
    let events = feed(&mut Decoder::default(), Side::Client, &load, &[]);
    assert_eq!(commands(&events)[0].action, Action::Program);
}

/// KEPServerEX reads 40 words of a FANUC controller and writes two, from `srtp packets.txt` of Booozie-Z/Fanuc_GESRTP_Driver.
const READ: &str = "0200706800000000000100000000000000010000000000000000000000 00 06c0 00000000 100e0000 0101 0408d0072800 0000000000000000";
const READ_OK: &str = "0300706850000000000100000000000000010000000000000000000000 00 0694 100e0000 303a0000 0101 0000000000000101ff0400007c21";
const WRITE: &str = "0200c100040000000002000000000000000200000000000000000000 000009 80 00000000 100e0000 0101 04000000000001010708f82a0200 61646200";
const WRITE_OK: &str = "0300c1000000000000010000000000000001000000000000000000000000 09d4 100e0000 303a0000 0101 0000000000000101ff0400007c21";

#[test]
fn memory_is_told_by_area_and_answers_find_their_requests_by_number() {
    let mut decoder = Decoder::default();
    let asked = [hex(READ), hex(WRITE)].concat();
    let events = feed(&mut decoder, Side::Client, &asked, &[]);
    let [read, write] = commands(&events)[..] else { panic!("{events:?}") };
    assert_eq!((read.action, read.object.as_deref()), (Action::Read, Some("%R2001 count 40")));
    assert_eq!((write.action, write.object.as_deref()), (Action::Write, Some("%R11001 count 2")));
    // The second is answered first.
    let answers = [hex(WRITE_OK), hex(READ_OK), vec![0x41; 0x50]].concat();
    let events = feed(&mut decoder, Side::Server, &answers, &[]);
    let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.status.clone())).collect();
    assert_eq!(told, [(Action::Write, Status::Ok), (Action::Read, Status::Ok)]);
}

#[test]
fn a_stop_says_which_state_it_wants() {
    let events = feed(&mut Decoder::default(), Side::Client, &frame(2, 6, 0xc0, &[0x23, 6]), &[]);
    assert_eq!(commands(&events)[0].object.as_deref(), Some("stop, i/o enabled"));
}

#[test]
fn type_and_id_are_facts() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, Side::Client, &frame(2, 9, 0xc0, &[0x43]), &[]);
    // The example of GFK-0529, table 6-17.
    let data = hex("33333130314100001023010045535333333100000100a30700009a019bcd0000d6062201c8eb0000");
    let mut answer = frame(3, 9, 0x94, &[]);
    answer[4] = u8::try_from(data.len()).unwrap();
    answer.extend(data);
    let events = feed(&mut decoder, Side::Server, &answer, &[]);
    let expected = [
        (AssetField::Vendor, "GE Fanuc"),
        (AssetField::Model, "Series 90-30 CPU 331"),
        (AssetField::Name, "33101A"),
    ];
    assert_eq!(facts(&events), expected);
}

#[test]
fn zeros_alone_open_it_on_its_port_only_and_strangers_are_refused() {
    assert_eq!(ask(&SPEC, &[0; HEADER], true), Verdict::Yes);
    assert_eq!(ask(&SPEC, &[0; HEADER], false), Verdict::NeedMore);
    assert_eq!(ask(&SPEC, &[0; 2 * HEADER], false), Verdict::No);
    assert_eq!(ask(&SPEC, &[vec![0; HEADER], frame(2, 1, 0xc0, &[4])].concat(), false), Verdict::Yes);
    assert_eq!(ask(&SPEC, &frame(2, 1, 0xc0, &[4]), false), Verdict::Yes);
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, at in 0..HEADER, byte: u8) {
        survives(&SPEC, &bytes)?;
        let mut near = frame(2, 7, 0x80, &[4, 0, 0, 0, 0, 0, 1, 1, 0x40]);
        near[at] = byte;
        near.extend(bytes);
        survives(&SPEC, &near)?;
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = [vec![0; HEADER], frame(2, 6, 0xc0, &[4]), frame(2, 7, 0xc0, &[0x43])].concat();
        same_however_cut(&SPEC, &bytes, &cuts)?;
    }
}
