//! PROFINET against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::{Action, AssetField};
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "profinet-dcp",
        &[
            ("profinet_dcp_set_ip.pcap", 0, "req 5 x1, rsp 5 x1, req 4/1/2 x1, rsp 4/1/2 x1"),
            ("profinet_mixed.pcap", 0, "req 5 x18, rsp 5 x1"),
        ],
    );
    check(
        "profinet-cm",
        &[(
            "profinet_mixed.pcap",
            0,
            "req 0 x4, rsp 0 x4, req 1 x2, rsp 1 x2, req 2 x2, rsp 2 x2, req 3 x4, rsp 3 x4, req 4 x7, rsp 4 x7",
        )],
    );
}

#[test]
fn every_rpc_packet_is_counted_as_tshark_counts_it() {
    let Some(seen) = replay("profinet_mixed.pcap", Settings::default()) else { return };
    let Some(rows) = tshark("profinet_mixed.pcap", "dcerpc", &["dcerpc.pkt_type", "dcerpc.opnum"]) else {
        return;
    };
    let mut expected = BTreeMap::new();
    for row in rows {
        let direction = if row[0][0] == "0" { "request" } else { "response" };
        *expected.entry((direction, row[1][0].clone())).or_insert(0_u64) += 1;
    }
    assert_eq!(seen.counts("profinet-cm"), expected);
}

#[test]
fn a_set_address_is_a_configuration_between_macs() {
    let Some(seen) = replay("profinet_dcp_set_ip.pcap", Settings::default()) else { return };
    let set: Vec<_> = seen.of("profinet-dcp").filter(|command| command.action == Action::Configure).collect();
    let object = "192.168.0.10 mask 255.255.255.0 gateway 192.168.0.1, permanent";
    assert_eq!(set.len(), 2);
    assert!(set.iter().all(|command| command.object.as_deref() == Some(object)), "{set:?}");
    // The link-local address of 08:00:06:93:cf:32: the answer to identify comes before its first ARP.
    let device = "fe80::a00:6ff:fe93:cf32";
    let facts: BTreeMap<AssetField, &str> = seen
        .assets
        .iter()
        .filter(|(host, ..)| host == device)
        .map(|(.., asset)| (asset.field, &*asset.value))
        .collect();
    let expected = [
        (AssetField::Vendor, "Siemens"),
        (AssetField::Model, "INC"),
        (AssetField::Name, "X208-BORD"),
        (AssetField::Address, "192.168.0.6"),
        (AssetField::Id, "vendor 0x002a device 0x0a01"),
        (AssetField::Role, "io device"),
    ];
    assert_eq!(facts, BTreeMap::from(expected));
}

#[test]
fn cyclic_data_alarms_and_clocks_are_identified_only() {
    let Some(seen) = replay("profinet_mixed.pcap", Settings::default()) else { return };
    assert_eq!(seen.of("profinet-rt").count(), 0);
    assert_eq!(seen.malformed.get("profinet-rt"), None);
    // 164 PROFINET frames less 19 of DCP, by FrameID and the pair of MACs.
    let Some(rows) =
        tshark("profinet_mixed.pcap", "pn_rt && !pn_dcp", &["eth.src", "eth.dst", "pn_rt.frame_id"])
    else {
        return;
    };
    assert_eq!(rows.len(), 145);
    let streams: std::collections::BTreeSet<_> = rows
        .iter()
        .map(|row| {
            let mut macs = [row[0][0].clone(), row[1][0].clone()];
            macs.sort();
            (macs, row[2][0].clone())
        })
        .collect();
    assert_eq!(seen.connections.get("profinet-rt").copied(), Some(streams.len() as u64));
}
