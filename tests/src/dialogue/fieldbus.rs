//! Telecontrol, buildings, and the process bus of substations.

use super::write::{ber, hex, join, number};
use super::{Carrier, Dialogue, Said, ask, tell};

pub(super) fn all() -> Vec<Dialogue> {
    let dialogue = |protocol, carrier, opening, poll| Dialogue { protocol, carrier, opening, poll };
    vec![
        dialogue("bacnet", Carrier::Udp(47_808), vec![], bacnet),
        dialogue("dnp3", Carrier::Tcp(20_000), vec![], dnp3),
        dialogue("goose", Carrier::Link(0x88b8), vec![], goose),
        dialogue(
            "iec104",
            Carrier::Tcp(2404),
            vec![ask(hex("680407000000")), tell(hex("68040b000000"))],
            iec104,
        ),
        dialogue("sv", Carrier::Link(0x88ba), vec![], sv),
    ]
}

/// Reads a measured value and writes a set point.
fn bacnet(n: u32) -> Vec<Said> {
    let (read, write) = (n as u8, (n as u8).wrapping_add(1));
    let datagram = |npdu: &[u8]| join([&[0x81, 0x0a], &(npdu.len() as u16 + 4).to_be_bytes(), npdu]);
    vec![
        ask(datagram(&join([&[1, 4, 0, 5, read], &hex("0c 0c00000001 1955")]))),
        tell(datagram(&join([&[1, 0, 0x30, read], &hex("0c 0c00000001 1955 3e 4442c80000 3f")]))),
        ask(datagram(&join([&[1, 4, 0, 5, write], &hex("0f 0c00800001 1955 3e 4442c80000 3f")]))),
        tell(datagram(&[1, 0, 0x20, write, 0x0f])),
    ]
}

/// The checksum of DNP3's link layer: CRC-16/DNP.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let crc = bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 })
    });
    (!crc).to_le_bytes()
}

/// An application fragment in one transport segment in one link frame.
fn link(control: u8, destination: u16, source: u16, fragment: &[u8]) -> Vec<u8> {
    let data = join([&[0xc0], fragment]);
    let mut out =
        join([&[5, 0x64, data.len() as u8 + 5, control], &destination.to_le_bytes(), &source.to_le_bytes()]);
    out.extend(checksum(&out));
    for block in data.chunks(16) {
        out.extend(block);
        out.extend(checksum(block));
    }
    out
}

/// Reads all classes and operates a point.
fn dnp3(n: u32) -> Vec<Said> {
    let (read, operate) = (0xc0 | (2 * n % 16) as u8, 0xc0 | ((2 * n + 1) % 16) as u8);
    let control = hex("0c01280100 0000 03016400000064000000 00");
    vec![
        ask(link(0xc4, 10, 1, &join([&[read, 1], &hex("3c0206 3c0306 3c0406 3c0106")]))),
        tell(link(0x44, 1, 10, &join([&[read, 0x81, 0, 0], &hex("1e01 00 00 01 01 0a000000 01 0b000000")]))),
        ask(link(0xc4, 10, 1, &join([&[operate, 5], &control]))),
        tell(link(0x44, 1, 10, &join([&[operate, 0x81, 0, 0], &control]))),
    ]
}

/// A measured value unasked, its acknowledgement, a set point and its confirmation.
fn iec104(n: u32) -> Vec<Said> {
    let (mine, theirs) = (((n as u16) << 1).to_le_bytes(), ((n as u16) << 2).to_le_bytes());
    let data = |sent: [u8; 2], received: [u8; 2], asdu: &str| {
        let asdu = hex(asdu);
        join([&[0x68, asdu.len() as u8 + 4], &sent, &received, &asdu])
    };
    vec![
        tell(data(theirs, mine, "0d0103000a00 010000 0000803f 00")),
        ask(join([&[0x68, 4, 1, 0], &theirs])),
        ask(data(mine, theirs, "320106000a00 0d0000 0000803f 00")),
        tell(data(theirs, mine, "320107000a00 0d0000 0000803f 00")),
    ]
}

/// APPID, length, two reserved words, the PDU.
fn process_bus(appid: u16, pdu: &[u8]) -> Vec<u8> {
    join([&appid.to_be_bytes(), &(pdu.len() as u16 + 8).to_be_bytes(), &[0; 4], pdu])
}

/// One state, repeated.
fn goose(n: u32) -> Vec<Said> {
    let fields = [
        ber(0x80, b"Bay1LD0/LLN0$GO$gcb_A"),
        ber(0x81, &[0x3a, 0x98]),
        ber(0x82, b"Bay1LD0/LLN0$InterlockingA"),
        ber(0x83, b"InterlockingA"),
        ber(0x84, &[0x48, 0x88, 0x90, 0xc1, 0x24, 0, 0, 0x27]),
        ber(0x85, &[0, 0x8f, 0x61]),
        ber(0x86, &number(n)),
        ber(0x87, &[0]),
        ber(0x88, &[1]),
        ber(0x89, &[0]),
        ber(0x8a, &[2]),
        ber(0xab, &join([&ber(0x83, &[1]), &ber(0x84, &[6, 0x40])])),
    ];
    vec![ask(process_bus(0x3001, &ber(0x61, &fields.concat())))]
}

/// One sample of 9-2 LE: eight values with their quality.
fn sv(n: u32) -> Vec<Said> {
    let fields = [
        ber(0x80, b"MU01_Bay1_A"),
        ber(0x82, &((n % 4000) as u16).to_be_bytes()),
        ber(0x83, &[0, 0, 0, 1]),
        ber(0x85, &[2]),
        ber(0x87, &[7; 64]),
    ];
    let pdu = join([&ber(0x80, &[1]), &ber(0xa2, &ber(0x30, &fields.concat()))]);
    vec![ask(process_bus(0x4000, &ber(0x60, &pdu)))]
}
