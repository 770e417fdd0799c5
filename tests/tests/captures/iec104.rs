//! IEC 60870-5-104 against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::{Action, Direction};
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    let monitored: String = [1, 3, 5, 7, 9, 11, 13, 30, 31, 32, 33, 34, 35, 36]
        .map(|id| format!("ntf {id}/20 x2, ntf {id}/3 x1, "))
        .concat();
    let commands: String =
        (45..=51).map(|id| format!("req {id}/6 x2, rsp {id}/7 x2, ntf {id}/10 x2, ")).collect();
    check(
        "iec104",
        &[
            (
                "iec104_all_commands.pcap",
                0,
                &format!(
                    "{monitored}{commands}req 100/6 x2, rsp 100/7 x2, ntf 100/10 x2, ntf 70/4 x1, ntf S x14, \
                     req U/0x07 x1, rsp U/0x0b x1, req U/0x43 x4, rsp U/0x83 x4"
                ),
            ),
            (
                "iec104_polling.pcap",
                0,
                "req 100/6 x21, rsp 100/7 x21, ntf 100/10 x21, ntf 1/20 x21, ntf 3/20 x21, ntf 11/3 x21, ntf 70/4 x2, \
                 ntf S x45, req U/0x07 x2, rsp U/0x0b x2, req U/0x43 x29, rsp U/0x83 x29",
            ),
            ("iec104_measurements.pcap", 0, "ntf 36/3 x6, ntf S x2"),
        ],
    );
}

#[test]
fn tshark_counts_the_same_formats_types_and_causes() {
    for file in ["iec104_all_commands.pcap", "iec104_measurements.pcap", "iec104_polling.pcap"] {
        let fields = ["iec60870_104.type", "iec60870_asdu.typeid", "iec60870_asdu.causetx"];
        let Some(rows) = tshark(file, "iec60870_104", &fields) else { return };
        let (mut theirs, mut formats) = (BTreeMap::new(), [0_u64; 3]);
        for row in rows {
            let of = |i: usize| row.get(i).cloned().unwrap_or_default();
            for (id, cause) in of(1).into_iter().zip(of(2)) {
                *theirs.entry(format!("{id}/{cause}")).or_insert(0) += 1;
            }
            for format in of(0) {
                formats[match format.as_str() {
                    "0x00000000" => 0,
                    "0x00000001" => 1,
                    _ => 2,
                }] += 1;
            }
        }
        let Some(seen) = replay(file, Settings::default()) else { return };
        let (mut ours, mut counted) = (BTreeMap::new(), [0_u64; 3]);
        for ((_, code), n) in seen.counts("iec104") {
            match code.as_str() {
                "S" => counted[1] += n,
                code if code.starts_with('U') => counted[2] += n,
                _ => {
                    counted[0] += n;
                    *ours.entry(code).or_insert(0) += n;
                }
            }
        }
        assert_eq!((ours, counted), (theirs, formats), "{file}");
    }
}

#[test]
fn every_command_names_its_object_and_is_accepted() {
    let Some(seen) = replay("iec104_all_commands.pcap", Settings::default()) else { return };
    let commands: Vec<_> = seen
        .of("iec104")
        .filter(|c| c.action == Action::Write && c.direction == Direction::Request)
        .collect();
    assert_eq!(commands.len(), 14);
    for command in commands {
        assert!(command.object.as_deref().is_some_and(|object| object.starts_with("ioa ")), "{command:?}");
        assert_eq!(command.unit, Some(10));
    }
    assert!(seen.refused("iec104").is_empty());
}
