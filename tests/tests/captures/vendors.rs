//! Protocols of single makers against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::AssetField;
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn every_fins_message_is_counted_as_tshark_counts_it() {
    let Some(seen) = replay("omron_fins.pcap", Settings::default()) else { return };
    assert_eq!(seen.malformed.get("fins"), None);
    let fields = ["omron.command", "omron.icf", "omron.tcp.command"];
    let Some(rows) = tshark("omron_fins.pcap", "omron", &fields) else { return };
    let mut expected = BTreeMap::new();
    for row in rows {
        let key = match (row[0].first(), row[1].first(), row[2].first()) {
            // The node addresses that TCP begins with.
            (None, _, Some(command)) => {
                let number = u32::from_str_radix(command.trim_start_matches("0x"), 16).unwrap();
                (if number == 0 { "request" } else { "response" }, format!("tcp/{number}"))
            }
            (Some(code), Some(icf), _) => {
                let icf = u32::from_str_radix(icf.trim_start_matches("0x"), 16).unwrap();
                (if icf & 0x40 != 0 { "response" } else { "request" }, code.clone())
            }
            other => panic!("{other:?}"),
        };
        *expected.entry(key).or_insert(0_u64) += 1;
    }
    assert_eq!(expected.values().sum::<u64>(), 251);
    assert_eq!(seen.counts("fins"), expected);
}

#[test]
fn every_ads_message_is_counted_as_tshark_counts_it() {
    check(
        "ads",
        &[(
            "beckhoff_ads.pcapng",
            0,
            "req 1 x4, rsp 1 x4, req 2 x5, rsp 2 x5, req 4 x3, rsp 4 x3, req 6 x2, rsp 6 x2, req 7 x1, rsp 7 x1, req 9 x7, rsp 9 x7",
        )],
    );
    let Some(seen) = replay("beckhoff_ads.pcapng", Settings::default()) else { return };
    let Some(rows) = tshark("beckhoff_ads.pcapng", "ams", &["ams.cmdid", "ams.state_response"]) else {
        return;
    };
    let mut expected = BTreeMap::new();
    for row in rows {
        for (command, response) in row[0].iter().zip(&row[1]) {
            let direction = if matches!(&**response, "1" | "True") { "response" } else { "request" };
            *expected.entry((direction, command.clone())).or_insert(0_u64) += 1;
        }
    }
    assert_eq!(seen.counts("ads"), expected);
    // "Target port not found" twice, three registry keys that do not exist.
    assert_eq!(seen.refused("ads"), BTreeMap::from([(6, 2), (2, 3)]));
}

#[test]
fn a_niagara_station_says_who_it_is() {
    // tshark has no dissector for Fox: three segments with payload, one message each.
    check("fox", &[("niagara_fox_probe.pcap", 0, "req hello x1, rsp hello x1, ntf challenge x1")]);
    let Some(seen) = replay("niagara_fox_probe.pcap", Settings::default()) else { return };
    let facts: BTreeMap<AssetField, &str> = seen
        .assets
        .iter()
        .filter(|(host, ..)| host == "106.68.88.119")
        .map(|(.., asset)| (asset.field, &*asset.value))
        .collect();
    assert_eq!(facts.get(&AssetField::Name), Some(&"Legion_HQ_V4"));
    assert_eq!(facts.get(&AssetField::Firmware), Some(&"3.5.41.1"));
    assert_eq!(facts.get(&AssetField::Vendor), Some(&"vykon"));
}
