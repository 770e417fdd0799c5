//! Protocols of Siemens controllers, and those that share their port.

use super::write::{ber, hex, join};
use super::{Carrier, Dialogue, Said, ask, tell};
use crate::payload::s7;

pub(super) fn all() -> Vec<Dialogue> {
    vec![
        Dialogue {
            protocol: "s7comm",
            carrier: Carrier::Tcp(s7::PORT),
            opening: vec![
                ask(s7::connect_request(1, 0x0100, 0x0102)),
                tell(s7::connect_confirm(1, 2, 0x0100, 0x0102)),
                ask(s7::setup(1, 480)),
                tell(s7::setup_done(1, 480)),
            ],
            poll: s7comm,
        },
        Dialogue {
            protocol: "s7comm-plus",
            carrier: Carrier::Tcp(s7::PORT),
            opening: vec![
                ask(hex("030000241fe00000011200c1020620c21053494d415449432d524f4f542d484d49c0010a")),
                tell(hex("030000241fd00001000200c1020620c21053494d415449432d524f4f542d484d49c0010a")),
                ask(plus(
                    1,
                    "31000004ca0000000100000120360000011d00040000000000a1000000d3821f0000a38169001503616263a2",
                )),
                tell(plus(
                    1,
                    "32000004ca0000000136110287a1823f00151b313b36455337203231312d31424533312d30584230203b56332e30a2",
                )),
            ],
            poll: s7comm_plus,
        },
        Dialogue {
            protocol: "mms",
            carrier: Carrier::Tcp(s7::PORT),
            opening: vec![
                ask(hex("0300001611e00000000100c0010dc2020001c1020000")),
                tell(hex("0300001611d00001000100c0010dc2020001c1020000")),
                ask(hex(MMS_CONNECT)),
            ],
            poll: mms,
        },
        Dialogue {
            protocol: "profinet-cm",
            carrier: Carrier::Udp(34_964),
            opening: vec![ask(hex(PNIO_CONNECT))],
            poll: profinet_cm,
        },
        Dialogue {
            protocol: "profinet-dcp",
            carrier: Carrier::Link(0x8892),
            opening: vec![],
            poll: |_| {
                vec![
                    ask(*b"\xfe\xfe\x05\0\x01\0\0\x01\0\x01\0\x04\xff\xff\0\0"),
                    tell(*b"\xfe\xff\x05\x01\x01\0\0\x01\0\0\0\x3e\x02\x01\0\x05\0\0INC\0\x02\x02\0\x0b\0\0X208-BORD\0\
                        \x02\x03\0\x06\0\0\0\x2a\x0a\x01\x02\x04\0\x04\0\0\x01\0\x01\x02\0\x0e\0\x01\xc0\xa8\0\x06\
                        \xff\xff\xff\0\xc0\xa8\0\x01"),
                ]
            },
        },
        Dialogue {
            protocol: "profinet-rt",
            carrier: Carrier::Link(0x8892),
            opening: vec![],
            poll: |n| vec![ask(join([&[0x80, 0], &[0; 40], &(n as u16).to_be_bytes(), &[0x35, 0]]))],
        },
    ]
}

/// A poll of two places and a write of one.
fn s7comm(n: u32) -> Vec<Said> {
    let reference = 2 + (n as u16) * 2;
    let range = |block| s7::Range { block, start: 0, bytes: 16 };
    vec![
        ask(s7::read(reference, &[range(1), range(2)])),
        tell(s7::values(reference, &[&[7; 16], &[8; 16]])),
        ask(s7::write(reference + 1, 1, 4, &[0, n as u8])),
        tell(s7::written(reference + 1, 0xff)),
    ]
}

/// An S7comm-plus packet of a version, with its trailer, in COTP and TPKT.
fn plus(version: u8, content: &str) -> Vec<u8> {
    let content = hex(content);
    let length = (content.len() as u16).to_be_bytes();
    let packet = join([&[0x72, version], &length, &content, &[0x72, version, 0, 0]]);
    join([&[3, 0], &(packet.len() as u16 + 7).to_be_bytes(), &[2, 0xf0, 0x80], &packet])
}

fn s7comm_plus(n: u32) -> Vec<Said> {
    let sequence = n as u16;
    vec![
        ask(plus(2, &format!("310000054c0000{sequence:04x}000003c0340000000001040000000000"))),
        tell(plus(2, &format!("320000054c0000{sequence:04x}34000001000200000000"))),
    ]
}

const MMS_CONNECT: &str = "030000a702f0800d9e0506130100160102140200023302000134020001c188318185a003800101a27e810400000001820400000001\
    a423300f0201010604520100013004060251013010020103060528ca2202013004060251018802061061473045020101a040603e80020780a107060528\
    ca220203be2f282d020103a028a826800300fa0081010a82010a830105a416800101810305e100820c03a00000000000000000e110";

/// A confirmed PDU in presentation, session, COTP and TPKT.
fn framed(pdu: &[u8]) -> Vec<u8> {
    let list = ber(0x30, &join([&[2, 1, 3], &ber(0xa0, pdu)]));
    let data = join([&[2, 0xf0, 0x80, 1, 0, 1, 0], &ber(0x61, &list)]);
    join([&[3, 0], &(data.len() as u16 + 4).to_be_bytes(), &data])
}

/// Reads a measured value, and reads the position of a switch.
fn mms(n: u32) -> Vec<Said> {
    let invoke = ber(2, &[(n >> 8 & 0x7f) as u8, n as u8]);
    let name = ber(0xa1, &[ber(0x1a, b"LD1"), ber(0x1a, b"MMXU1$MX$TotW$mag$f")].concat());
    let list = ber(0xa1, &ber(0xa0, &ber(0x30, &ber(0xa0, &name))));
    let value = ber(0xa4, &ber(0xa1, &ber(0x87, &[8, 0x42, 0xc8, 0, n as u8])));
    vec![
        ask(framed(&ber(0xa0, &join([&invoke, &ber(0xa4, &list)])))),
        tell(framed(&ber(0xa1, &join([&invoke, &value])))),
    ]
}

const PNIO_CONNECT: &str = "0400200000000000dea000006c9711d1827100010003015adea000016c9711d1827100a02442df7d13142f9000001000a994d2106890ca\
    5a0000000000000001000000000000ffffffff00670000000000001000000000530000100000000000000000530101004f010000017c74224e166c4a58\
    bf6b6c25a75870f0000100a0456dd343dea000006c9711d182710001003c00b00000001102588892001970632d776f72782d72742d62617369632d3664\
    2d64332d3433";
const PNIO_READ: &str = "0400200000000000dea000006c9711d1827100010003015adea000016c9711d1827100a02442df7d13142f9000001000a994d2106890ca5a0\
    000000000000001000000030002ffffffff00540000000000001000000000400000100000000000000000400009003c010000047c74224e166c4a58bf6b\
    6c25a75870f000000000000000000000f84100001000000000000000000000000000000000000000000000000000";

fn profinet_cm(_: u32) -> Vec<Said> {
    // The answer repeats the request's activity and operation, and holds a status in front of its blocks.
    let request = hex(PNIO_READ);
    let mut answer = request.clone();
    (answer[1], answer[80], answer[81], answer[82], answer[83]) = (2, 0, 0, 0, 0);
    vec![ask(request), tell(answer)]
}
