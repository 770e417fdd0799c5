//! Protocols of other makers' controllers, over IP.

use super::write::{hex, join};
use super::{Carrier, Dialogue, Said, ask, tell};
use crate::payload::modbus;

pub(super) fn all() -> Vec<Dialogue> {
    let dialogue = |protocol, carrier, opening, poll| Dialogue { protocol, carrier, opening, poll };
    vec![
        dialogue("ads", Carrier::Tcp(48_898), vec![], ads),
        dialogue("cip", Carrier::Udp(2222), vec![], cip),
        dialogue("codesys", Carrier::Tcp(11_740), vec![], codesys),
        dialogue("csp", Carrier::Tcp(2222), vec![ask(csp(1, 1, 0, &[])), tell(csp(2, 1, 7, &[]))], |n| {
            let number = (n as u16).to_be_bytes();
            let read = join([&hex("00050000 0f00"), &number, &hex("a2 06 07 89 00 00")]);
            vec![ask(csp(1, 7, 7, &read)), tell(csp(2, 7, 7, &join([&hex("00050000 4f00"), &number, &[n as u8; 6]])))]
        }),
        dialogue(
            "enip",
            Carrier::Tcp(44_818),
            vec![
                ask(hex("6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000")),
                tell(hex("6500 0400 01000000 00000000 0000000000000000 00000000 0100 0000")),
            ],
            enip,
        ),
        dialogue("fins", Carrier::Udp(9600), vec![], fins),
        dialogue(
            "fox",
            Carrier::Tcp(1911),
            vec![
                ask(*b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\nhostName=s:pc7\n};;\n"),
                tell(*b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0\nhostName=s:192.168.2.15\napp.name=s:Station\n\
                    app.version=s:3.5.41.1\nstation.name=s:Hall4\nhostId=s:Qnx-NPM6-0000-1490-C30B\nbrandId=s:vykon\n};;\n"),
            ],
            |n| {
                let line = |channel| format!("fox {channel} {} -1 fox keepAlive\n{{\n}};;\n", n + 2);
                vec![ask(line('a')), tell(line('a'))]
            },
        ),
        dialogue("ge-srtp", Carrier::Tcp(18_245), vec![ask([0; 56]), tell(init())], ge_srtp),
        dialogue(
            "hart-ip",
            Carrier::Udp(5094),
            vec![ask(hex("01 00 00 00 0001 000d 01 00007530")), tell(hex("01 01 00 00 0001 000d 01 00007530"))],
            hart_ip,
        ),
        dialogue("melsec", Carrier::Tcp(5007), vec![], |n| {
            vec![
                ask(hex("5000 00 ff ff03 00 0c00 1000 0104 0000 640000 a8 0300")),
                tell(join([&hex("d000 00 ff ff03 00 0800 0000"), &n.to_le_bytes(), &[2, 0]])),
            ]
        }),
        dialogue("modbus", Carrier::Tcp(modbus::PORT), vec![], |n| {
            let tid = n as u16;
            let write = modbus::write_register(tid, 2, 0x10, n as u16);
            vec![
                ask(modbus::read_holding(tid, 1, 0, 20)),
                tell(modbus::registers(tid, 1, &[n as u16; 20])),
                ask(write.clone()),
                tell(write),
            ]
        }),
        dialogue("opcua", Carrier::Tcp(4840), opcua_opening(), opcua),
        dialogue("tristation", Carrier::Udp(1502), vec![ask(tristation(1, &[]))], |n| {
            let count = n as u8;
            vec![
                ask(tristation(5, &join([&hex("00 00 1c"), &[count], &hex("0000 2000 0a00")]))),
                tell(tristation(5, &join([&hex("01 00 82"), &[count], &hex("0000 8000 0a00")]))),
            ]
        }),
    ]
}

/// A read by index group and offset, in AMS/TCP.
fn ads(n: u32) -> Vec<Said> {
    let (device, station) = (hex("050d75600101 5303"), hex("c0a801630101 0380"));
    let ams = |to: &[u8], from: &[u8], flags: u8, data: &[u8]| {
        let length = (data.len() as u32).to_le_bytes();
        let head = join([to, from, &[2, 0, flags, 0], &length, &[0; 4], &n.to_le_bytes(), data]);
        join([&[0, 0], &(head.len() as u32).to_le_bytes(), &head])
    };
    vec![
        ask(ams(&device, &station, 4, &hex("20400000 10000000 04000000"))),
        tell(ams(&station, &device, 5, &hex("00000000 04000000 2a000000"))),
    ]
}

/// Implicit data of one connection: sequenced address, connected data.
fn cip(n: u32) -> Vec<Said> {
    let count = n.to_le_bytes();
    let data = |connection: u32| {
        join([
            &hex("0200 0280 0800"),
            &connection.to_le_bytes(),
            &count,
            &hex("b100 0a00"),
            &count[..2],
            &[7; 8],
        ])
    };
    vec![ask(data(0x0001_0001)), tell(data(0x0002_0001))]
}

/// A tag is read and another written, each in a packet of its own.
fn enip(n: u32) -> Vec<Said> {
    let packet = |cip: &[u8]| {
        let items = join([&hex("00000000 0a00 0200 0000 0000 b200"), &(cip.len() as u16).to_le_bytes(), cip]);
        let context = u64::from(n).to_le_bytes();
        join([
            &[0x6f, 0],
            &(items.len() as u16).to_le_bytes(),
            &hex("01000000 00000000"),
            &context,
            &[0; 4],
            &items,
        ])
    };
    vec![
        ask(packet(&hex("4c 03 9104 54616e6b 0100"))),
        tell(packet(&hex("cc 00 00 00 c400 2a000000"))),
        ask(packet(&hex("4d 03 9104 50756d70 c400 0100 07000000"))),
        tell(packet(&hex("cd 00 00 00"))),
    ]
}

fn fins(n: u32) -> Vec<Said> {
    let id = n as u8;
    vec![
        ask(join([&hex("80000200000000 0000"), &[id], &hex("0101 82 006400 0002")])),
        tell(join([&hex("c0000200000000 0000"), &[id], &hex("0101 0000 0007 0008")])),
    ]
}

/// What answers 56 zeros.
fn init() -> Vec<u8> {
    let mut answer = vec![0; 56];
    answer[0] = 1;
    answer
}

/// Reads system memory.
fn ge_srtp(n: u32) -> Vec<Said> {
    let sequence = 2 + (n % 200) as u8;
    let frame = |kind: u8, mail: u8, service: &[u8]| {
        let mut frame = vec![0; 56];
        (frame[0], frame[2], frame[30], frame[31]) = (kind, sequence, sequence, mail);
        frame[42..42 + service.len()].copy_from_slice(service);
        frame
    };
    vec![ask(frame(2, 0xc0, &[4, 8, 0, 0, 10, 0])), tell(frame(3, 0xd4, &[0, 0, 1, 2]))]
}

/// Reads the primary variable of the first instrument.
fn hart_ip(n: u32) -> Vec<Said> {
    let sequence = (n as u16).to_be_bytes();
    let token = |kind: u8, pdu: &[u8]| {
        let parity = pdu.iter().fold(0, |sum, byte| sum ^ byte);
        let length = (pdu.len() as u16 + 9).to_be_bytes();
        join([&[1, kind, 3, 0], &sequence, &length, pdu, &[parity]])
    };
    vec![ask(token(0, &[2, 0x80, 1, 0])), tell(token(1, &[6, 0x80, 1, 7, 0, 0, 57, 0x42, 0x48, 0, n as u8]))]
}

/// A chunk of OPC UA with its length.
fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    join([kind, &(body.len() as u32 + 8).to_le_bytes(), body])
}

fn opcua_opening() -> Vec<Said> {
    let security = hex(
        "2f000000 687474703a2f2f6f7063666f756e646174696f6e2e6f72672f55412f5365637572697479506f6c696379234e6f6e65 \
         ffffffff ffffffff 01000000 01000000",
    );
    let ask_open = hex(
        "0100be01 0000 620b763b3aaad701 00000000 00000000 ffffffff 00000000 000000 00000000 00000000 01000000 \
         ffffffff c0270900",
    );
    let tell_open = hex(
        "0100c101 620b763b3aaad701 00000000 00000000 00 ffffffff 000000 00000000 07000000 01000000 620b763b3aaad701 \
         c0270900 ffffffff",
    );
    vec![
        ask(hex("48454c46 38000000 00000000 ffff0000 ffff0000 00000000 00000000 18000000 \
                 6f70632e7463703a2f2f6c6f63616c686f73743a34383430")),
        tell(hex("41434b46 1c000000 00000000 ffff0000 ffff0000 00000000 00000000")),
        ask(chunk(b"OPNF", &join([&[0; 4], &security, &ask_open]))),
        tell(chunk(b"OPNF", &join([&[7, 0, 0, 0], &security, &tell_open]))),
    ]
}

/// Reads a value, and writes one.
fn opcua(n: u32) -> Vec<Said> {
    let message = |number: u32, service: u16, header: &str, body: &str| {
        let ids = join([&hex("07000000 01000000"), &number.to_le_bytes(), &number.to_le_bytes(), &[1, 0]]);
        chunk(b"MSGF", &join([&ids, &service.to_le_bytes(), &hex(header), &hex(body)]))
    };
    let asks = "0000 0000000000000000 01000000 00000000 ffffffff 10270000 0000 00";
    let tells = "0000000000000000 01000000 00000000 00 ffffffff 0000 00";
    let node = "03 0200 0a000000 54616e6b2e4c6576656c";
    let (read, write) = (2 * n + 2, 2 * n + 3);
    vec![
        ask(message(
            read,
            631,
            asks,
            &format!("0000000000000000 00000000 01000000 {node} 0d000000 ffffffff 0000 ffffffff"),
        )),
        tell(message(read, 634, tells, "01000000 01 0a 0000c842 00000000")),
        ask(message(write, 673, asks, &format!("01000000 {node} 0d000000 ffffffff 01 0a 0000c842"))),
        tell(message(write, 676, tells, "01000000 00000000 00000000")),
    ]
}

/// Asks for an application's state, in a block driver's frame.
fn codesys(n: u32) -> Vec<Said> {
    let service = |flags: u8, group: u8| {
        let packet = join([
            &hex("c56b4040 00110002 0001 0000 01"),
            &[flags],
            &hex("0500"),
            &n.to_le_bytes(),
            &n.to_le_bytes(),
            &hex("10000000 00000000 55cd 0c00"),
            &[group, 0],
            &hex("1400 efbeadde 00000000"),
        ]);
        join([&hex("000117e8"), &(packet.len() as u32 + 8).to_le_bytes(), &packet])
    };
    vec![ask(service(0x81, 2)), tell(service(1, 0x82))]
}

/// A header of Rockwell's client server protocol, and what it carries.
fn csp(mode: u8, submode: u8, connection: u32, carried: &[u8]) -> Vec<u8> {
    let length = (carried.len() as u16).to_be_bytes();
    join([&[mode, submode], &length, &connection.to_be_bytes(), &[0; 20], carried])
}

/// A TriStation message with its CRC-16.
fn tristation(kind: u8, body: &[u8]) -> Vec<u8> {
    let message = join([&[kind, 0], &(body.len() as u16).to_le_bytes(), body]);
    let crc = message.iter().fold(0_u16, |crc, byte| {
        (0..8)
            .fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xa001 })
    });
    join([&message, &crc.to_le_bytes()])
}
