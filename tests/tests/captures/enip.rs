//! EtherNet/IP and CIP against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::{Action, AssetField, Direction, Status};
use isthmus::state::world::Settings;

use crate::helper::{answered, check, replay, tshark};

const FILES: [&str; 9] = [
    "enip_cip_start.pcap",
    "enip_cip_stop.pcap",
    "enip_cip_unlock.pcap",
    "enip_download.pcap",
    "enip_listidentity.pcap",
    "enip_mixed.pcap",
    "enip_remote_mode_stop.pcap",
    "enip_upload.pcap",
    "plant1_enip.pcap",
];

#[test]
fn encapsulation_counts_are_those_of_the_captures_description() {
    check(
        "enip",
        &[
            ("enip_cip_start.pcap", 0, "req 0x0070 x1"),
            ("enip_cip_stop.pcap", 0, "req 0x0070 x1"),
            ("enip_cip_unlock.pcap", 0, "req 0x0070 x1"),
            ("enip_download.pcap", 0, &answered("0x006f x30, 0x0070 x377")),
            ("enip_listidentity.pcap", 0, &answered("0x0063 x1")),
            ("enip_mixed.pcap", 0, "req 0x0063 x1, req 0x0070 x134, rsp 0x0063 x1, rsp 0x0070 x133"),
            ("enip_remote_mode_stop.pcap", 0, "req 0x0070 x151, rsp 0x0070 x150"),
            ("enip_upload.pcap", 0, "req 0x006f x31, req 0x0070 x365, rsp 0x006f x31, rsp 0x0070 x364"),
            ("plant1_enip.pcap", 0, "req 0x006f x219, req 0x0070 x4180, rsp 0x006f x219, rsp 0x0070 x4181"),
        ],
    );
}

/// An unconnected send (0x52 of the connection manager) that arrives is answered by what it carried: no 0x52 among
/// the responses.
#[test]
fn service_counts_are_those_of_the_captures_description() {
    check(
        "cip",
        &[
            ("enip_cip_start.pcap", 0, "req 0x06 x1"),
            ("enip_cip_stop.pcap", 0, "req 0x07 x1"),
            ("enip_cip_unlock.pcap", 0, "req 0x4c x1"),
            (
                "enip_download.pcap",
                0,
                &format!(
                    "req 0x52 x21, {}",
                    answered(
                        "0x01 x15, 0x03 x656, 0x04 x56, 0x05 x1, 0x06 x1, 0x07 x1, 0x08 x43, 0x0a x58, 0x0d x3, \
                         0x4b x10, 0x4c x310, 0x4e x4, 0x4f x5, 0x50 x8, 0x54 x5"
                    )
                ),
            ),
            ("enip_listidentity.pcap", 0, ""),
            // 24 implicit connections over UDP 2222, each told once.
            (
                "enip_mixed.pcap",
                0,
                "req 0x03 x543, req 0x04 x1, req 0x0a x41, rsp 0x03 x532, rsp 0x04 x1, rsp 0x0a x40, ntf 0x8002 x24",
            ),
            (
                "enip_remote_mode_stop.pcap",
                0,
                "req 0x03 x907, req 0x07 x1, req 0x0a x95, req 0x4b x2, req 0x4c x761, \
                 rsp 0x03 x898, rsp 0x07 x1, rsp 0x0a x94, rsp 0x4b x2, rsp 0x4c x753",
            ),
            (
                "enip_upload.pcap",
                0,
                &format!(
                    "req 0x52 x18, req 0x03 x570, rsp 0x03 x561, req 0x0a x37, rsp 0x0a x36, {}",
                    answered("0x01 x18, 0x04 x1, 0x4b x25, 0x4c x2, 0x4e x6, 0x4f x19, 0x54 x7")
                ),
            ),
            // The capture begins behind two requests.
            (
                "plant1_enip.pcap",
                0,
                "req 0x01 x219, req 0x0a x4180, req 0x4c x31069, req 0x4e x1444, req 0x52 x219, \
                 rsp 0x01 x219, rsp 0x0a x4181, rsp 0x4c x31071, rsp 0x4e x1444",
            ),
        ],
    );
}

#[test]
fn tshark_counts_the_same_commands_and_services() {
    for file in FILES {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let Some(rows) = tshark(file, "enip", &["tcp.dstport", "enip.command"]) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            let direction = if row[0] == ["44818"] { "request" } else { "response" };
            for code in row.get(1).into_iter().flatten() {
                *theirs.entry((direction, code.clone())).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.counts("enip"), theirs, "{file}");
        let Some(rows) = tshark(file, "cip", &["cip.rr", "cip.sc"]) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            // The connection manager's own response is a second bit for the same service there.
            let of = |i: usize| row.get(i).cloned().unwrap_or_default();
            for (bit, service) in of(0).into_iter().zip(of(1)) {
                let direction = if bit == "0x00" { "request" } else { "response" };
                *theirs.entry((direction, service)).or_insert(0) += 1;
            }
        }
        let mut ours = seen.counts("cip");
        ours.retain(|(direction, _), _| *direction != "notification");
        assert_eq!(ours, theirs, "{file}");
    }
}

#[test]
fn tshark_lists_the_same_implicit_connections() {
    let Some(rows) =
        tshark("enip_mixed.pcap", "udp.port == 2222", &["ip.src", "udp.srcport", "enip.cpf.sai.connid"])
    else {
        return;
    };
    let theirs: std::collections::BTreeSet<_> = rows.into_iter().collect();
    let Some(seen) = replay("enip_mixed.pcap", Settings::default()) else { return };
    let ours = seen.of("cip").filter(|command| command.direction == Direction::Notification).count();
    assert_eq!(ours, theirs.len());
}

#[test]
fn a_device_that_is_asked_who_it_is_says_so() {
    for file in ["enip_listidentity.pcap", "enip_mixed.pcap"] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let facts: Vec<_> = seen
            .assets
            .iter()
            .filter(|(_, protocol, _)| *protocol == "enip")
            .map(|(ip, protocol, fact)| (ip.as_str(), *protocol, fact.field, &*fact.value))
            .collect();
        let expected = [
            (AssetField::Vendor, "Rockwell Automation/Allen-Bradley"),
            (AssetField::Model, "1756-ENBT/A"),
            (AssetField::Firmware, "4.3"),
            (AssetField::Serial, "0x00524d8e"),
        ]
        .map(|(field, value)| ("10.1.1.164", "enip", field, value));
        assert_eq!(facts, expected, "{file}");
    }
}

/// Actions that change something, of requests.
fn changes(file: &str) -> Option<BTreeMap<(Action, &'static str), u64>> {
    let seen = replay(file, Settings::default())?;
    let mut changes = BTreeMap::new();
    for command in
        seen.of("cip").filter(|c| c.direction == Direction::Request && c.action.changes_the_process())
    {
        *changes.entry((command.action, command.name)).or_insert(0) += 1;
    }
    Some(changes)
}

#[test]
fn a_download_programs_and_a_reading_back_does_not() {
    let Some(download) = changes("enip_download.pcap") else { return };
    let of = |action| {
        download
            .iter()
            .filter(|((a, _), _)| *a == action)
            .map(|((_, name), n)| (*name, *n))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Action::Control), [("start", 1), ("stop", 1)]);
    let programs = of(Action::Program);
    for expected in [("create", 40), ("program download", 1), ("write program part", 8)] {
        assert!(programs.contains(&expected), "{programs:?}");
    }
    let Some(upload) = changes("enip_upload.pcap") else { return };
    assert!(upload.keys().all(|(action, _)| *action == Action::Configure), "{upload:?}");
    let Some(stop) = changes("enip_remote_mode_stop.pcap") else { return };
    assert_eq!(stop, BTreeMap::from([((Action::Control, "stop"), 1)]));
}

#[test]
fn a_plant_polls_data_lists_and_writes_its_alive_bit() {
    let Some(changes) = changes("plant1_enip.pcap") else { return };
    assert_eq!(changes, BTreeMap::from([((Action::Write, "read modify write tag"), 1444)]));
    let Some(seen) = replay("plant1_enip.pcap", Settings::default()) else { return };
    let unpaired =
        seen.of("cip").filter(|c| c.direction == Direction::Response && c.action == Action::Other).count();
    // Of a packet of two whose request was before the capture.
    assert_eq!(unpaired, 2);
    assert!(seen.of("cip").all(|command| matches!(command.status, Status::None | Status::Ok)));
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
}
