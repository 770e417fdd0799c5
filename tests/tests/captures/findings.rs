//! What the models make of captures.

use isthmus::detect::finding::Basis;
use isthmus::state::world::Settings;

use crate::helper::{files, replay};

#[test]
fn a_stop_is_a_rule_from_the_first_packet() {
    for file in ["s7_snap7_everything.pcapng", "s7_step7_stop.pcapng"] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let stops: Vec<_> = seen.findings.iter().filter(|f| f.model == "controller_state").collect();
        assert_eq!(stops.len(), 1, "{file}");
        assert_eq!(stops[0].basis, Basis::Rule, "{file}");
    }
}

#[test]
fn benign_captures_raise_nothing_while_learning() {
    for file in [
        "s7_wincc_read_write.pcapng",
        "plant1_modbus.pcap",
        "plant1_s7.pcap",
        "tls_sni_benign.pcap",
        "bulk_smb_internal.pcap",
    ] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert!(seen.findings.is_empty(), "{file}: {:?}", seen.findings);
    }
}

#[test]
fn every_capture_is_analysed_without_a_panic_when_everything_is_judged() {
    for file in files().unwrap_or_default() {
        replay(&file, Settings { operational: true, ..Settings::default() });
    }
}
