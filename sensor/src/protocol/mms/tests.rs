use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, same_however_cut, survives};

const CONNECT_FRAME: &str = "030000a702f0800d9e0506130100160102140200023302000134020001c188318185a003800101a27e810400000001\
    820400000001a423300f0201010604520100013004060251013010020103060528ca2202013004060251018802060061473045020101a040603e\
    80020780a107060528ca220203be2f282d020103a028a826800300fa0081010a82010a830105a416800101810305e100820c03a00000000000000000e110";
const ATTRIBUTES: &str = "0300004202f0800100010061353033020103a02ea02c020304a273a625a023a1211a0e41413145315130314650324c44301a0f\
    4c4c4e30244252247263625f423032";
const NON_EXISTENT: &str = "0300002202f0800100010061153013020103a00ea20c800304a273a205a003870102";
const CONCLUDE: &str = "0300001602f0800100010061093007020103a0028b00";

/// A confirmed PDU in all its layers.
fn framed(pdu: &str) -> Vec<u8> {
    let pdu = hex(pdu);
    let wrap = |tag: u8, content: &[u8]| {
        let mut out = vec![tag, 0x81, u8::try_from(content.len()).unwrap()];
        out.extend(content);
        out
    };
    let mut list = vec![2, 1, 3];
    list.extend(wrap(0xa0, &pdu));
    let data = wrap(0x61, &wrap(0x30, &list));
    let mut frame = vec![3, 0, 0, u8::try_from(data.len() + 11).unwrap(), 2, 0xf0, 0x80, 1, 0, 1, 0];
    frame.extend(data);
    frame
}

fn command(decoder: &mut Decoder, side: Side, bytes: &[u8]) -> crate::protocol::Command {
    let events = feed(decoder, side, bytes, &[]);
    (*commands(&events).first().unwrap_or_else(|| panic!("{events:?}"))).clone()
}

#[test]
fn an_error_is_paired_with_its_request_and_says_why() {
    let mut decoder = Decoder::default();
    let request = command(&mut decoder, Side::Client, &hex(ATTRIBUTES));
    assert_eq!((request.name, request.action), ("get variable access attributes", Action::Discover));
    assert_eq!(request.object.as_deref(), Some("AA1E1Q01FP2LD0/LLN0$BR$rcb_B02"));
    let response = command(&mut decoder, Side::Server, &hex(NON_EXISTENT));
    assert_eq!((response.name, response.direction), (request.name, Direction::Response));
    assert_eq!(response.status, Status::Refused(0x702, "object non existent"));
    assert_eq!(response.object, request.object);
}

#[test]
fn a_write_to_a_switch_is_refused() {
    let mut decoder = Decoder::default();
    let write = framed(
        "a02d 020105 a528 a01b 3019 a017 a115 1a034c4431 1a0e43535749312443 4f24506f732430 a009 830101 8301018301 01",
    );
    let events = feed(&mut decoder, Side::Client, &write, &[]);
    assert_eq!(commands(&events)[0].action, Action::Write, "{events:?}");
    let refused = command(&mut decoder, Side::Server, &framed("a108 020105 a503 800103"));
    assert_eq!((refused.name, refused.status), ("write", Status::Refused(3, "object access denied")));
}

#[test]
fn programs_are_stopped_and_domains_downloaded() {
    let stop = command(&mut Decoder::default(), Side::Client, &framed("a00d 020101 bf2907 80 05 504c433031"));
    assert_eq!((stop.action, stop.name, stop.object.as_deref()), (Action::Control, "stop", Some("PLC01")));
    let download = command(&mut Decoder::default(), Side::Client, &framed("a009 020101 ba04 8002 4431"));
    assert_eq!((download.action, download.name), (Action::Program, "initiate download sequence"));
}

#[test]
fn identify_tells_maker_model_and_version() {
    let answer = framed("a115 020101 a210 8003414243 8105 4d6f64656c 8202 3132");
    let events = feed(&mut Decoder::default(), Side::Server, &answer, &[]);
    let expected = [(AssetField::Vendor, "ABC"), (AssetField::Model, "Model"), (AssetField::Firmware, "12")];
    assert_eq!(facts(&events), expected);
}

#[test]
fn connections_open_and_conclude() {
    let open = command(&mut Decoder::default(), Side::Client, &hex(CONNECT_FRAME));
    assert_eq!((open.action, open.name), (Action::Session, "initiate"));
    let end = command(&mut Decoder::default(), Side::Client, &hex(CONCLUDE));
    assert_eq!((end.name, end.direction), ("conclude", Direction::Request));
}

#[test]
fn s7_is_not_mms_and_mms_is_not_s7() {
    let s7 = hex("0300001902f08032010000000a00080000f0000001000101e0");
    assert_eq!(ask(&SPEC, &s7, true), Verdict::No);
    for bytes in [hex(CONNECT_FRAME), hex(ATTRIBUTES)] {
        assert_eq!(ask(&SPEC, &bytes, false), Verdict::Yes);
        assert_ne!(ask(&crate::protocol::s7comm::SPEC, &bytes, true), Verdict::Yes);
        assert_ne!(ask(&crate::protocol::s7comm_plus::SPEC, &bytes, true), Verdict::Yes);
    }
    for cut in [8, 9, 12, 16] {
        assert_eq!(ask(&SPEC, &hex(ATTRIBUTES)[..cut], true), Verdict::NeedMore, "{cut}");
    }
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes)?;
        let mut framed = hex("0300ffff02f08001000100");
        framed[2..4].copy_from_slice(&u16::try_from(bytes.len() + 11).unwrap_or(u16::MAX).to_be_bytes());
        framed.extend(bytes);
        survives(&SPEC, &framed)?;
    }

    #[test]
    fn near_messages_are_survived(at in any::<prop::sample::Index>(), byte: u8) {
        for text in [CONNECT_FRAME, ATTRIBUTES, NON_EXISTENT, CONCLUDE] {
            let mut bytes = hex(text);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&SPEC, &bytes)?;
        }
    }

    #[test]
    fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        same_however_cut(&SPEC, &hex(&[CONNECT_FRAME, ATTRIBUTES, CONCLUDE].concat()), &cuts)?;
    }
}
