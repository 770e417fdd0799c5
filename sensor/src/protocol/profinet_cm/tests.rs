use proptest::prelude::*;

use super::*;
use crate::protocol::testing::{STRANGERS, ask, commands, facts, feed, hex, survives};

/// A controller connects to a device, and its answer from another port.
const CONNECT: &str = "0400200000000000dea000006c9711d1827100010003015adea000016c9711d1827100a02442df7d13142f9000001000a994\
    d2106890ca5a0000000000000001000000000000ffffffff00670000000000001000000000530000100000000000000000530101004f01000001\
    7c74224e166c4a58bf6b6c25a75870f0000100a0456dd343dea000006c9711d182710001003c00b00000001102588892001970632d776f72782d\
    72742d62617369632d36642d64332d3433";
const CONNECTED: &str = "04022800100000000000a0de976cd111827100010003015a0100a0de976cd111827100a02442df7d902f141300000010a994\
    d2106890ca5a0200000001000000000000000000ffffffff36000000000000000000220000000010000000000000220000008101001e01000001\
    7c74224e166c4a58bf6b6c25a75870f0000100099143e0678892";
const READ: &str = "0400200000000000dea000006c9711d1827100010003015adea000016c9711d1827100a02442df7d13142f9000001000a994d210\
    6890ca5a0000000000000001000000030002ffffffff00540000000000001000000000400000100000000000000000400009003c010000047c74\
    224e166c4a58bf6b6c25a75870f000000000000000000000f84100001000000000000000000000000000000000000000000000000000";
const RELEASE: &str = "0400200000000000dea000006c9711d1827100010003015adea000016c9711d1827100a02442df7d13142f9000001000a994\
    d2106890ca5a0000000000000001000000040001ffffffff00340000000000001000000000200000100000000000000000200114001c01000000\
    7c74224e166c4a58bf6b6c25a75870f00001000000040000";

fn command(decoder: &mut Decoder, side: Side, text: &str) -> crate::protocol::Command {
    let events = feed(decoder, side, &hex(text), &[]);
    (*commands(&events).first().unwrap_or_else(|| panic!("{events:?}"))).clone()
}

#[test]
fn a_connect_names_the_controller() {
    let events = feed(&mut Decoder::default(), Side::Client, &hex(CONNECT), &[]);
    let command = commands(&events)[0];
    assert_eq!((command.action, command.name, &*command.code_text), (Action::Session, "connect", "0"));
    assert_eq!(command.object.as_deref(), Some("io controller pc-worx-rt-basic-6d-d3-43"));
    let expected = [(AssetField::Name, "pc-worx-rt-basic-6d-d3-43"), (AssetField::Role, "io controller")];
    assert_eq!(facts(&events), expected);
}

#[test]
fn an_answer_in_the_other_byte_order_is_paired_and_tells_the_device() {
    let mut decoder = Decoder::default();
    command(&mut decoder, Side::Client, CONNECT);
    let events = feed(&mut decoder, Side::Server, &hex(CONNECTED), &[]);
    let response = commands(&events)[0];
    assert_eq!((response.direction, response.status.clone()), (Direction::Response, Status::Ok));
    assert_eq!(response.object.as_deref(), Some("io controller pc-worx-rt-basic-6d-d3-43"));
    assert_eq!(facts(&events), [(AssetField::Id, "vendor 0x015a device 0x0003")]);
}

/// A lookup's answer, which tshark reads as `S7-1500                   6ES7 516-3AN01-0AB0      4 V  2  1  0`.
const LOOKED_UP: &str = "04020a0010000000000000000000000000000000000000000883afe11f5dc91191a408002b14a0faaabbccdd0000111182710011223344550000\
    000003000000070000000200ffffffffd800000000000000000011223344556677889900aabbccddeeff01000000010000000000000001000000\
    000000de976cd111827100000001020303000000000000004000000053372d313530302020202020202020202020202020202020202036455337\
    203531362d33414e30312d30414230202020202020342056202032202031202030004b0000004b000000050013000d0100a0de976cd111827100\
    a02442df7d01000200000013000d045d888aeb1cc9119fe808002b10486002000200000001000a02000000010008020088940100090400000000\
    000000000000";

#[test]
fn an_endpoint_mapper_tells_what_device_it_is() {
    let events = feed(&mut Decoder::default(), Side::Server, &hex(LOOKED_UP), &[]);
    let expected = [
        (AssetField::System, "S7-1500"),
        (AssetField::Model, "6ES7 516-3AN01-0AB0"),
        (AssetField::Firmware, "V2.1.0"),
    ];
    assert_eq!(facts(&events), expected);
    assert_eq!(
        (commands(&events)[0].name, &*commands(&events)[0].code_text),
        ("endpoint map lookup", "epm/2")
    );
    // Another annotation: no facts, and nothing is wrong with it.
    let other = LOOKED_UP.replace(
        "53372d31353030202020202020202020202020202020202020",
        "4d6963726f736f66742045786368616e67652044617461626173",
    );
    assert_eq!(facts(&feed(&mut Decoder::default(), Side::Server, &hex(&other), &[])), []);
}

#[test]
fn a_refusal_names_its_class() {
    let refused = CONNECTED.replacen("00000000220000000010", "01013edb220000000010", 1);
    let response = command(&mut Decoder::default(), Side::Client, &refused);
    assert_eq!(response.status, Status::Refused(0xdb3e_0101, "connect error"));
}

#[test]
fn records_are_named_by_slot_and_index() {
    let read = command(&mut Decoder::default(), Side::Client, READ);
    assert_eq!(
        (read.action, read.object.as_deref()),
        (Action::Read, Some("slot 0x0/0x0 index 0xf841 (physical device)"))
    );
    let identification = command(&mut Decoder::default(), Side::Client, &READ.replace("f841", "aff0"));
    assert_eq!(identification.action, Action::Discover);
    let write = READ.replacen("00030002ffff", "00030003ffff", 1).replacen("0009003c", "0008003c", 1);
    let write = command(&mut Decoder::default(), Side::Client, &write);
    assert_eq!((write.action, write.name), (Action::Configure, "write"));
    assert_eq!(command(&mut Decoder::default(), Side::Client, RELEASE).name, "release");
}

#[test]
fn identification_record_0_tells_model_serial_and_firmware() {
    let (mut order, mut serial) = (b"6ES7 151-8AB01-0AB0".to_vec(), b"S C-A1".to_vec());
    order.resize(20, b' ');
    serial.resize(16, b' ');
    let mut block = vec![0, 0x20, 0, 56, 1, 0, 0, 0x2a];
    block.extend(order);
    block.extend(serial);
    block.extend([0, 3, b'V', 3, 2, 8, 0, 0]);
    block.resize(60, 0);
    let mut answer = hex(&READ.replacen("0400", "0402", 1).replacen("0009003c", "8009003c", 1));
    answer[80..84].fill(0);
    answer.extend(block);
    let length = u16::try_from(answer.len() - HEADER).unwrap().to_be_bytes();
    answer[74..76].copy_from_slice(&length);
    let events = feed(&mut Decoder::default(), Side::Server, &answer, &[]);
    let expected = [
        (AssetField::Model, "6ES7 151-8AB01-0AB0"),
        (AssetField::Serial, "S C-A1"),
        (AssetField::Firmware, "V3.2.8"),
    ];
    assert_eq!(facts(&events), expected);
}

#[test]
fn other_rpc_is_refused_and_the_mapper_belongs_to_its_port() {
    assert_eq!(ask(&SPEC, &hex(CONNECT), false), Verdict::Yes);
    let mapper = CONNECT.replacen("dea000016c9711d1827100a02442df7d", "e1af83085d1f11c991a408002b14a0fa", 1);
    assert_eq!(ask(&SPEC, &hex(&mapper), true), Verdict::Yes);
    assert_eq!(ask(&SPEC, &hex(&mapper), false), Verdict::No);
    let other = CONNECT.replacen("dea00001", "dea00101", 1);
    assert_eq!(ask(&SPEC, &hex(&other), true), Verdict::No);
    for stranger in STRANGERS {
        assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
    }
}

#[test]
fn a_length_beyond_the_datagram_is_malformed() {
    let bytes = hex(RELEASE);
    let events = feed(&mut Decoder::default(), Side::Client, &bytes[..100], &[]);
    assert_eq!(events, [Event::Malformed(Malformed::BadLength)]);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        survives(&SPEC, &bytes)?;
        let mut packet = hex(READ)[..HEADER].to_vec();
        packet.extend(bytes);
        survives(&SPEC, &packet)?;
    }

    #[test]
    fn near_messages_are_survived(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
        for text in [LOOKED_UP, CONNECT, CONNECTED, READ, RELEASE] {
            let mut bytes = hex(text);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&SPEC, &bytes)?;
            survives(&SPEC, &bytes[..cut.index(bytes.len())])?;
        }
    }
}
