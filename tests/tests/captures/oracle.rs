//! Every function of protocols that few captures hold, made here and read by tshark too: both must see the same in every message.

use std::collections::BTreeMap;

use isthmus::protocol::{AssetField, Direction};
use isthmus::state::world::Settings;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::From;
use isthmus_tests::dialogue::{Carrier, Dialogue, Said};

use crate::helper::{Counts, Seen, replay_file, tshark_file};

/// What Isthmus and tshark read of the same messages.
fn both(
    name: &'static str,
    carrier: Carrier,
    said: Vec<Said>,
    filter: &str,
    fields: &[&str],
) -> Option<(Seen, Vec<Vec<Vec<String>>>)> {
    let dialogue = Dialogue { protocol: name, carrier, opening: said, poll: |_| Vec::new() };
    let path = std::env::temp_dir().join(format!("isthmus-{}-oracle-{name}.pcap", std::process::id()));
    write_pcap(&mut std::fs::File::create(&path).unwrap(), dialogue.frames(0)).unwrap();
    let told = (replay_file(&path, Settings::default()), tshark_file(&path, filter, fields));
    std::fs::remove_file(path).unwrap();
    let (seen, rows) = told;
    Some((seen, rows?))
}

fn join<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    parts.concat()
}

fn number(text: &str) -> u32 {
    let digits = text.trim_start_matches("0x");
    u32::from_str_radix(digits, if digits.len() < text.len() { 16 } else { 10 }).unwrap()
}

/// A row of several values a field as one value each.
fn first(row: &[Vec<String>], at: usize) -> Option<&str> {
    row.get(at)?.first().map(String::as_str)
}

const fn direction(response: bool) -> &'static str {
    if response { Direction::Response.name() } else { Direction::Request.name() }
}

#[test]
fn every_hart_command_and_response_code() {
    let message = |kind: u8, sequence: u16, delimiter: u8, master: u8, command: u8, data: &[u8]| {
        let pdu = join([&[delimiter, master | 0x26, 0x4e, 0, 0, 0xd2, command, data.len() as u8], data]);
        let parity = pdu.iter().fold(0, |sum, byte| sum ^ byte);
        join([
            &[1, kind, 3, 0],
            &sequence.to_be_bytes(),
            &(pdu.len() as u16 + 9).to_be_bytes(),
            &pdu,
            &[parity],
        ])
    };
    let codes = [0_u8, 2, 7, 8, 16, 64];
    // Command 31 holds another's number, which tshark does not look at.
    let commands = (0..=253_u8).filter(|command| *command != 31);
    let said = commands
        .flat_map(|command| {
            let (sequence, code) = (u16::from(command), codes[usize::from(command) % codes.len()]);
            // Of an answer that went well tshark reads the values, of one that did not only the code.
            let values: &[u8] = if code == 0 { &[0; 40] } else { &[] };
            [
                (From::Client, message(0, sequence, 0x82, 0x80, command, &[])),
                (From::Server, message(1, sequence, 0x86, 0x80, command, &join([&[code, 0], values]))),
            ]
        })
        .collect();
    let fields = ["hart_ip.message_type", "hart_ip.pt.command"];
    let Some((seen, rows)) = both("hart-ip", Carrier::Udp(5094), said, "hart_ip", &fields) else { return };
    let mut expected = Counts::new();
    for row in rows {
        let (kind, command) = (first(&row, 0).unwrap(), first(&row, 1).unwrap());
        *expected.entry((direction(kind == "1"), command.to_owned())).or_default() += 1;
    }
    assert_eq!(expected.len(), 2 * 253);
    assert_eq!(seen.counts("hart-ip"), expected);
    assert_eq!(seen.malformed, BTreeMap::new());
    // 8 warns: it was done, to the nearest value.
    let refusing: Vec<u32> = seen.refused("hart-ip").into_keys().collect();
    assert_eq!(refusing, [2, 7, 16, 64]);
}

/// An encapsulated CIP message, unconnected.
fn send_rr_data(context: u32, cip: &[u8]) -> Vec<u8> {
    let length = cip.len() as u16;
    join([
        &[0x6f, 0],
        &(length + 16).to_le_bytes(),
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &context.to_le_bytes(),
        &[0; 4],
        &[0; 4],
        &[0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0],
        &length.to_le_bytes(),
        cip,
    ])
}

#[test]
fn every_pccc_function() {
    let functions = (0..=0xff_u8).map(|function| (0x0f, function));
    let others = (0..=0x0a_u8).map(|function| (6, function)).chain((0..=6).map(|function| (7, function)));
    let execute = |context: u32, pccc: &[u8]| {
        let requestor = [7, 0x3d, 0xf3, 0x45, 0x43, 0x50, 0x21];
        (From::Client, send_rr_data(context, &join([&[0x4b, 2, 0x20, 0x67, 0x24, 1], &requestor, pccc])))
    };
    let said: Vec<Said> = (1_u32..)
        .zip(functions.chain(others))
        .map(|(context, (command, function))| {
            execute(context, &[command, 0, context as u8, 1, function, 4, 7, 0x89, 0, 0])
        })
        .collect();
    let fields =
        ["cip.pccc.cmd.code", "cip.pccc.fnc.code_06", "cip.pccc.fnc.code_07", "cip.pccc.fnc.code_0f"];
    let filter = "cip.pccc.cmd.code";
    let Some((seen, rows)) = both("pccc", Carrier::Tcp(44_818), said, filter, &fields) else { return };
    let mut expected: Vec<String> = rows
        .iter()
        .flat_map(|row| row[0].iter().map(|command| number(command)).zip(row[1..].iter().flatten()))
        .map(|(command, function)| format!("pccc {command:#04x}/{:#04x}", number(function)))
        .collect();
    assert_eq!(expected.len(), 256 + 11 + 7);
    let mut told: Vec<String> =
        seen.of("cip").filter_map(|command| command.object.as_ref().map(ToString::to_string)).collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn every_cip_service_and_general_status() {
    let said = (0..0x80_u8)
        // The multiple service packet and PCCC hold others; an unconnected send is told with what is inside.
        .filter(|service| ![0x0a, 0x4b, 0x52].contains(service))
        .flat_map(|service| {
            let context = u32::from(service) + 1;
            let answer = join([&[service | 0x80, 0, service % 0x30, 0], &[0; 20]]);
            [
                (From::Client, send_rr_data(context, &join([&[service, 2, 0x20, 0x64, 0x24, 1], &[0; 8]]))),
                (From::Server, send_rr_data(context, &answer)),
            ]
        })
        .collect();
    let fields = ["cip.sc", "cip.rr", "cip.genstat"];
    let Some((seen, rows)) = both("cip", Carrier::Tcp(44_818), said, "cip", &fields) else { return };
    let (mut expected, mut refused) = (Counts::new(), BTreeMap::new());
    for row in rows {
        for ((service, response), at) in row[0].iter().zip(&row[1]).zip(0..) {
            let response = number(response) == 1 || response == "True";
            let code = number(service) & 0x7f;
            *expected.entry((direction(response), format!("0x{code:02x}"))).or_default() += 1;
            // Six means that more follows: a part of the answer came.
            let status = row[2].get(at).map_or(0, |status| number(status));
            if response && status != 0 && status != 6 {
                *refused.entry(status).or_insert(0_u64) += 1;
            }
        }
    }
    assert_eq!(seen.counts("cip"), expected);
    assert_eq!(seen.refused("cip"), refused);
}

#[test]
fn every_ads_command_and_result() {
    let ams = |flags: u8, command: u16, id: u32, error: u32, data: &[u8]| {
        let (device, station) = ([5, 13, 117, 96, 1, 1, 0x53, 3], [192, 168, 1, 99, 1, 1, 3, 0x80]);
        let (to, from) = if flags & 1 == 0 { (device, station) } else { (station, device) };
        let length = (data.len() as u32).to_le_bytes();
        let head = join([
            &to,
            &from,
            &command.to_le_bytes(),
            &[flags, 0],
            &length,
            &error.to_le_bytes(),
            &id.to_le_bytes(),
            data,
        ]);
        join([&[0, 0], &(head.len() as u32).to_le_bytes(), &head])
    };
    let mut said = Vec::new();
    for (id, (command, result)) in (1_u32..)
        .zip((1..=9_u16).flat_map(|command| [0, 0x701, 0x70b, 0x745].map(|result| (command, result))))
    {
        let request = join([&[0x20, 0x40, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0], &[0; 24]]);
        said.push((From::Client, ams(4, command, id, 0, &request)));
        // Notifications are not answered.
        if command != 8 {
            said.push((From::Server, ams(5, command, id, 0, &join([&u32::to_le_bytes(result), &[0; 24]]))));
        }
    }
    let fields = ["ams.cmdid", "ams.state_response", "ams.adsresult"];
    let Some((seen, rows)) = both("ads", Carrier::Tcp(48_898), said, "ams", &fields) else { return };
    let (mut expected, mut refused) = (Counts::new(), BTreeMap::new());
    for row in rows {
        let (command, response) = (first(&row, 0).unwrap(), matches!(first(&row, 1), Some("1" | "True")));
        let way = if command == "8" { Direction::Notification.name() } else { direction(response) };
        *expected.entry((way, command.to_owned())).or_default() += 1;
        if let Some(result) = first(&row, 2).map(number).filter(|result| response && *result != 0) {
            *refused.entry(result).or_insert(0_u64) += 1;
        }
    }
    assert_eq!(expected.values().sum::<u64>(), 4 * (9 + 8));
    assert_eq!(seen.counts("ads"), expected);
    assert_eq!(seen.refused("ads"), refused);
}

#[test]
fn sampled_values_of_one_to_eight_samples_a_frame() {
    let element = |tag: u8, content: &[u8]| match u8::try_from(content.len()).unwrap() {
        length @ ..0x80 => join([&[tag, length], content]),
        length => join([&[tag, 0x81, length], content]),
    };
    let sample = |id: &str, revision: u32, clock: u8| {
        let fields = join([
            &element(0x80, id.as_bytes()),
            &element(0x82, &[0, 7]),
            &element(0x83, &revision.to_be_bytes()),
            &element(0x85, &[clock]),
            &element(0x87, &[0; 8]),
        ]);
        element(0x30, &fields)
    };
    let said = (1..=8_u8)
        .map(|samples| {
            let each: Vec<u8> = (1..=samples)
                .flat_map(|n| sample(&format!("MU{samples}{n}"), u32::from(n) << 4, n % 3))
                .collect();
            let wrapped = match u8::try_from(each.len()).unwrap() {
                length @ ..0x80 => join([&[0xa2, length], &each]),
                length => join([&[0xa2, 0x81, length], &each]),
            };
            let pdu = element(0x60, &join([&element(0x80, &[samples]), &wrapped]));
            let length = (pdu.len() as u16 + 8).to_be_bytes();
            (From::Client, join([&[0x40, samples], &length, &[0; 4], &pdu]))
        })
        .collect();
    let fields = ["sv.svID", "sv.confRev"];
    let Some((seen, rows)) = both("sv", Carrier::Link(0x88ba), said, "sv", &fields) else { return };
    let mut expected: Vec<String> = rows
        .iter()
        .flat_map(|row| row[0].iter().zip(&row[1]))
        .map(|(id, revision)| format!("{id} revision {revision} sample 7"))
        .collect();
    assert_eq!(expected.len(), 36);
    let mut told: Vec<String> =
        seen.of("sv").filter_map(|command| command.object.as_ref().map(ToString::to_string)).collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn an_endpoint_mappers_annotation() {
    let uuid = |first: &[u8; 4]| {
        join([first, &[0x6c, 0x97, 0x11, 0xd1, 0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d]])
    };
    let mapper = [0xe1, 0xaf, 0x83, 8, 0x5d, 0x1f, 0x11, 0xc9, 0x91, 0xa4, 8, 0, 0x2b, 0x14, 0xa0, 0xfa];
    let packet = |kind: u8, body: &[u8]| {
        let length = (body.len() as u16).to_be_bytes();
        join([
            &[4, kind, 0x28, 0, 0, 0, 0, 0],
            &[0; 16],
            &mapper,
            &uuid(&[1, 2, 3, 4]),
            &[0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7, 0, 2, 0xff, 0xff, 0xff, 0xff],
            &length,
            &[0; 4],
            body,
        ])
    };
    let annotation = b"ET 200SP                  6ES7 155-6AU01-0BN0     12 V  4  2  3\0";
    let tower = join([&[0, 0], &[]]);
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let answer = join([
        &[0; 20],
        &words(&[1, 1, 0, 1]),
        &uuid(&[0xde, 0xa0, 0, 1]),
        &words(&[3, 0, 64]),
        annotation,
        &words(&[2, 2]),
        &tower,
        &[0, 0],
        &words(&[0]),
    ]);
    let ask = join([&words(&[0, 0, 0, 1, 0]), &[0; 16], &words(&[1])]);
    let said = vec![(From::Client, packet(0, &ask)), (From::Server, packet(2, &answer))];
    let Some((seen, rows)) = both("epm", Carrier::Udp(34_964), said, "epm.annotation", &["epm.annotation"])
    else {
        return;
    };
    let read = first(&rows[0], 0).unwrap();
    let fact =
        |field| seen.assets.iter().find(|(.., asset)| asset.field == field).map(|(.., asset)| &*asset.value);
    assert_eq!(fact(AssetField::System), Some("ET 200SP"));
    assert!(read.starts_with("ET 200SP"), "{read}");
    assert!(fact(AssetField::Model).is_some_and(|model| read.contains(model)), "{read}");
    assert_eq!(fact(AssetField::Firmware), Some("V4.2.3"));
}
