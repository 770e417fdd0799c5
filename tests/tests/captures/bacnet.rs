//! BACnet against tshark.

use std::collections::{BTreeMap, BTreeSet};

use isthmus::protocol::{Action, AssetField, Direction};
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "bacnet",
        &[
            // Each reinitialization and each answer to one says another length than its datagram has (tshark reads them
            // all the same, and so did the devices).
            (
                "bacnet_polling.pcap",
                240,
                "req 12 x1400, rsp 12 x1400, req 20 x120, rsp 20 x120, ntf unconfirmed/0 x210, req unconfirmed/8 x7",
            ),
            (
                "bacnet_internet_scan.pcap",
                0,
                "req 12 x9, rsp 12 x1, ntf unconfirmed/0 x5, req unconfirmed/8 x6, ntf network/1 x1, ntf network/19 x1",
            ),
        ],
    );
}

#[test]
fn every_datagram_is_counted_as_tshark_counts_it() {
    let Some(seen) = replay("bacnet_polling.pcap", Settings::default()) else { return };
    let fields = ["bacapp.type", "bacapp.confirmed_service", "bacapp.unconfirmed_service"];
    let Some(rows) = tshark("bacnet_polling.pcap", "bacapp", &fields) else { return };
    let mut expected = BTreeMap::new();
    for row in rows {
        let value = |at: usize| row[at].first().cloned().unwrap_or_default();
        let (direction, code) = match (value(0).as_str(), value(1), value(2)) {
            ("0", confirmed, _) => ("request", confirmed),
            ("1", _, unconfirmed) if unconfirmed == "8" => ("request", format!("unconfirmed/{unconfirmed}")),
            ("1", _, unconfirmed) => ("notification", format!("unconfirmed/{unconfirmed}")),
            (_, confirmed, _) => ("response", confirmed),
        };
        *expected.entry((direction, code)).or_insert(0_u64) += 1;
    }
    assert_eq!(seen.counts("bacnet"), expected);
}

#[test]
fn restarts_control_and_three_of_four_fail_by_their_password() {
    let Some(seen) = replay("bacnet_polling.pcap", Settings::default()) else { return };
    let restarts: Vec<_> =
        seen.of("bacnet").filter(|command| command.name == "reinitialize-device").collect();
    assert!(restarts.iter().all(|command| command.action == Action::Control));
    assert!(restarts.iter().all(|command| command.object.as_deref() == Some("abort-restore")));
    // Class services (5), code password-failure (26).
    assert_eq!(seen.refused("bacnet"), BTreeMap::from([(5 << 16 | 26, 90)]));
    assert_eq!(restarts.iter().filter(|command| command.direction == Direction::Response).count(), 120);
    let actors: BTreeSet<String> =
        seen.findings.iter().filter(|f| f.model == "controller_state").map(|f| f.actor.to_string()).collect();
    assert_eq!(actors, BTreeSet::from(["172.20.32.250".to_owned()]));
}

#[test]
fn devices_state_instance_model_firmware_and_name() {
    let Some(seen) = replay("bacnet_polling.pcap", Settings::default()) else { return };
    for field in [AssetField::Id, AssetField::Model, AssetField::Firmware, AssetField::Name] {
        let hosts: BTreeSet<&str> =
            seen.assets.iter().filter(|(.., asset)| asset.field == field).map(|(host, ..)| &**host).collect();
        assert_eq!(hosts.len(), 30, "{field:?}");
    }
    let Some(rows) =
        tshark("bacnet_polling.pcap", "bacapp.unconfirmed_service == 0", &["bacapp.instance_number"])
    else {
        return;
    };
    let expected: BTreeSet<String> = rows.iter().map(|row| format!("device {}", row[0][0])).collect();
    let instances: BTreeSet<String> = seen
        .assets
        .iter()
        .filter(|(.., asset)| asset.field == AssetField::Id)
        .map(|(.., asset)| asset.value.to_string())
        .collect();
    assert_eq!(instances, expected);
}
