//! Modbus against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::Direction;
use isthmus::state::world::Settings;

use crate::helper::{answered, check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "modbus",
        &[
            (
                "modbus_all_fc.pcap",
                0,
                &answered(
                    "1 x2, 15 x1, 16 x1, 17 x1, 2 x2, 20 x1, 21 x1, 22 x2, 23 x2, 24 x1, 3 x3, 4 x2, 43/14 x1, 5 x1, \
                     6 x1, 7 x1, 8/0x02 x1",
                ),
            ),
            ("modbus_multi_master.pcap", 0, "req 4 x1079, req 6 x63, rsp 4 x1053, rsp 6 x63"),
            (
                "plant1_modbus.pcap",
                0,
                "req 1 x1519, req 15 x2115, req 16 x14, req 2 x1574, req 4 x2768, rsp 1 x1519, rsp 15 x2113, \
                 rsp 16 x14, rsp 2 x1572, rsp 4 x2768",
            ),
            // The tool under test there sends bytes beyond what its functions hold. In the last connection a host that
            // has port 502 for its own opens one to another's port 4446 and sends responses nobody asked for (tshark
            // goes by the port and counts them: 1 x10, 42 x1).
            (
                "modbus_quickdraw_part1.pcap",
                2,
                "req 1 x2, req 17 x2, req 3 x1, req 43/14 x2, req 5 x2, req 6 x1, req 8/0x01 x3, req 8/0x04 x3, \
                 req 8/0x0a x2, rsp 1 x2, rsp 17 x2, rsp 3 x1, rsp 5 x2, rsp 6 x1, rsp 8/0x01 x3, \
                 rsp 8/0x04 x3, rsp 8/0x0a x2",
            ),
            (
                "modbus_umas.pcap",
                0,
                &answered(
                    "90/0x01 x2, 90/0x02 x2, 90/0x03 x2, 90/0x04 x7, 90/0x0a x2, 90/0x10 x1, 90/0x12 x2, \
                     90/0x20 x12, 90/0x33 x1, 90/0x34 x53, 90/0x35 x1, 90/0x50 x2, 90/0x58 x3",
                ),
            ),
        ],
    );
}

#[test]
fn a_function_code_scan_asks_every_code_and_is_refused_as_the_dissector_says() {
    let Some(seen) = replay("modbus_function_scan.pcap", Settings::default()) else { return };
    let codes: std::collections::BTreeSet<u32> = seen
        .of("modbus")
        .filter(|command| command.direction == Direction::Request)
        .map(|command| if command.code > 0xff { command.code >> 8 } else { command.code })
        .collect();
    assert!((0..128).all(|code| codes.contains(&code)), "{codes:?}");
    assert_eq!(seen.refused("modbus"), BTreeMap::from([(1, 104), (2, 8), (3, 18)]));
}

#[test]
fn tshark_counts_the_same_function_codes() {
    for file in [
        "modbus_all_fc.pcap",
        "modbus_external_502.pcap",
        "modbus_function_scan.pcap",
        "modbus_multi_master.pcap",
        "modbus_umas.pcap",
        "plant1_modbus.pcap",
    ] {
        let Some(rows) = tshark(file, "modbus", &["tcp.dstport", "modbus.func_code"]) else { return };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            let direction = if row[0] == ["502"] { "request" } else { "response" };
            for code in &row[1] {
                *theirs.entry((direction, code.clone())).or_insert(0) += 1;
            }
        }
        let mut ours = BTreeMap::new();
        for ((direction, code), n) in seen.counts("modbus") {
            // Sub-functions are a second level here and fields of their own there.
            *ours.entry((direction, code.split('/').next().unwrap().to_owned())).or_insert(0) += n;
        }
        assert_eq!(ours, theirs, "{file}");
    }
}
