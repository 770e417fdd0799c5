//! The rows: what each capture's source and an independent dissector say of it, as models.
//!
//! At another plant everybody in a capture is a stranger, and most are in their first days: what looks new may be said, and that
//! a new device acts must be.

use super::{Expected, Row};

const fn expect(
    raises: &'static [&'static str],
    may: &'static [&'static str],
    looks_new: &'static [&'static str],
) -> Expected {
    Expected { raises, may, looks_new }
}

/// What may be said of a stranger who speaks to devices.
const STRANGER: &[&str] =
    &["it_to_ics", "possible_ics", "new_action", "new_discover", "new_device_activity", "ics_connectivity"];

/// Every capture.
pub const ROWS: &[Row] = &[
    Row {
        file: "s7_download_db1.pcap",
        attack: true,
        expected: [
            Some(expect(&["reprogram"], &[], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&["reprogram"], &[], &[])),
            Some(expect(&["new_device_activity", "reprogram"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_blocklist_onlineview.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_read_plc_status.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    // The clock is set: a change, yet nobody's rule.
    Row {
        file: "s7_set_time.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_libnodave_rw.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_snap7_everything.pcapng",
        attack: true,
        expected: [
            Some(expect(
                &["controller_state", "reprogram"],
                &[],
                &["it_to_ics", "possible_ics", "new_action", "new_discover"],
            )),
            Some(expect(&["controller_state", "reprogram"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state", "reprogram"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_step7_stop.pcapng",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["controller_state"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_step7_download.pcapng",
        attack: true,
        expected: [
            Some(expect(&["reprogram"], &[], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&["reprogram"], &[], &[])),
            Some(expect(&["new_device_activity", "reprogram"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_tia_goonline.pcapng",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "s7_wincc_read_write.pcapng",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    // Recorded on a loopback: one address is both ends.
    Row {
        file: "s7_ident_probe.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["new_discover"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    // Its source calls it an upload of OB1, and it creates an object of class program block: to whom the program went is open.
    Row {
        file: "s7plus_upload_ob1.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &["reprogram"], &["it_to_ics", "possible_ics", "new_discover"])),
            Some(expect(&[], &["reprogram"], &[])),
            Some(expect(
                &["new_device_activity"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "reprogram",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "s7plus_hmi.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "plant1_s7.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
        ],
        waits: "",
    },
    Row {
        file: "plant1_modbus.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
        ],
        waits: "",
    },
    Row {
        file: "plant1_enip.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
        ],
        waits: "",
    },
    Row {
        file: "modbus_quickdraw_part1.pcap",
        attack: true,
        expected: [
            Some(expect(
                &["controller_state"],
                &["protocol_anomaly"],
                &["it_to_ics", "possible_ics", "new_action", "new_discover"],
            )),
            Some(expect(&["controller_state"], &["protocol_anomaly"], &[])),
            Some(expect(
                &["new_device_activity", "controller_state"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "protocol_anomaly",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    // Among all functions are those that program old controllers: refused, yet asked for.
    Row {
        file: "modbus_function_scan.pcap",
        attack: true,
        expected: [
            Some(expect(
                &["protocol_anomaly", "external_ics"],
                &["reprogram", "controller_state", "external_failures"],
                &["possible_ics", "new_action"],
            )),
            Some(expect(
                &["protocol_anomaly", "external_ics"],
                &["reprogram", "controller_state", "external_failures"],
                &[],
            )),
            Some(expect(
                &["new_device_activity", "external_ics"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "protocol_anomaly",
                    "reprogram",
                    "controller_state",
                    "external_failures",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "modbus_multi_master.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "modbus_external_502.pcap",
        attack: true,
        expected: [
            Some(expect(
                &["external_ics"],
                &["external_failures", "protocol_anomaly"],
                &["it_to_ics", "possible_ics"],
            )),
            Some(expect(&["external_ics"], &["external_failures", "protocol_anomaly"], &[])),
            Some(expect(
                &["external_ics", "new_device_activity"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "external_failures",
                    "protocol_anomaly",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    // One of its servers has a public address.
    Row {
        file: "modbus_all_fc.pcap",
        attack: false,
        expected: [
            Some(expect(&["external_ics"], &["protocol_anomaly"], &[])),
            Some(expect(&["external_ics"], &["protocol_anomaly"], &[])),
            Some(expect(
                &["external_ics", "new_device_activity"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "protocol_anomaly",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "modbus_umas.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_download.pcap",
        attack: true,
        expected: [
            Some(expect(&["reprogram"], &["controller_state"], &["it_to_ics", "possible_ics"])),
            Some(expect(&["reprogram"], &["controller_state"], &[])),
            Some(expect(
                &["new_device_activity", "reprogram"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "controller_state",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "enip_upload.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_remote_mode_stop.pcap",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["controller_state"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_cip_stop.pcap",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["controller_state"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_cip_start.pcap",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["controller_state"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_cip_unlock.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "enip_listidentity.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["new_discover"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    // Joins sessions eleven years apart: between them its devices are silent.
    Row {
        file: "enip_mixed.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &["silent_device"], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(
                &["new_device_activity"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "dnp3_select_operate_many.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "dnp3_cold_restart.pcap",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["controller_state"], &[], &[])),
            Some(expect(&["new_device_activity", "controller_state"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "dnp3_direct_operate.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "dnp3_quickdraw.pcap",
        attack: true,
        expected: [
            Some(expect(
                &["controller_state"],
                &["protocol_anomaly", "silent_device"],
                &["it_to_ics", "possible_ics"],
            )),
            Some(expect(&["controller_state"], &["protocol_anomaly", "silent_device"], &[])),
            Some(expect(
                &["new_device_activity", "controller_state"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "protocol_anomaly",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    // A file written to an outstation is its configuration or program.
    Row {
        file: "dnp3_file_write.pcap",
        attack: true,
        expected: [
            Some(expect(&["reprogram"], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&["reprogram"], &[], &[])),
            Some(expect(&["new_device_activity", "reprogram"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "iec104_all_commands.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics", "new_action"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "iec104_polling.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "iec104_measurements.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["it_to_ics", "possible_ics"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "opcua_sessions.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    // Fifty refused connections to its own address.
    Row {
        file: "opcua_discovery_nulllink.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &["internal_failures"], &[])),
            Some(expect(&[], &["internal_failures"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "internal_failures",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    // 120 orders to reinitialise.
    Row {
        file: "bacnet_polling.pcap",
        attack: true,
        expected: [
            Some(expect(&["controller_state"], &["silent_device", "protocol_anomaly"], &[])),
            Some(expect(&["controller_state"], &["silent_device", "protocol_anomaly"], &[])),
            Some(expect(
                &["controller_state", "new_device_activity"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                    "protocol_anomaly",
                ],
                &[],
            )),
        ],
        waits: "the BACnet decoder",
    },
    Row {
        file: "bacnet_internet_scan.pcap",
        attack: true,
        expected: [
            Some(expect(&["external_ics"], &["silent_device"], &[])),
            Some(expect(&["external_ics"], &["silent_device"], &[])),
            Some(expect(
                &["external_ics"],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "the BACnet decoder",
    },
    Row {
        file: "profinet_mixed.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "profinet_dcp_set_ip.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &["address_conflict", "asset_change"], &["new_action"])),
            Some(expect(&[], &["address_conflict", "asset_change"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "address_conflict",
                    "asset_change",
                ],
                &[],
            )),
        ],
        waits: "the PROFINET DCP decoder",
    },
    Row {
        file: "profinet_s7_misc.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], STRANGER, &[])),
        ],
        waits: "",
    },
    Row {
        file: "goose_vlan0.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], STRANGER, &[])),
        ],
        waits: "",
    },
    // MMS on port 102 is not S7.
    Row {
        file: "mms_goose_mixed.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], STRANGER, &[])),
        ],
        waits: "",
    },
    // Joins sessions years apart.
    Row {
        file: "omron_fins.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(&[], &["silent_device"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "silent_device",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "beckhoff_ads.pcapng",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], STRANGER, &[])),
        ],
        waits: "",
    },
    // A probe of one external host in a protocol that is not decoded.
    Row {
        file: "niagara_fox_probe.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &["external_ics"], &[])),
            Some(expect(&[], &["external_ics"], &[])),
            Some(expect(
                &[],
                &[
                    "it_to_ics",
                    "possible_ics",
                    "new_action",
                    "new_discover",
                    "new_device_activity",
                    "ics_connectivity",
                    "external_ics",
                ],
                &[],
            )),
        ],
        waits: "",
    },
    Row {
        file: "rdp_cookie_administr.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["admin_rdp"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["admin_rdp", "new_device_activity"], &[], &[])),
        ],
        waits: "",
    },
    Row {
        file: "rdp_cookie_user_tls.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["admin_rdp"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["admin_rdp", "new_device_activity"], &[], &[])),
        ],
        waits: "",
    },
    // Without a cookie the user is not observable.
    Row {
        file: "rdp_no_cookie.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["admin_rdp"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["new_device_activity"], &["admin_rdp"], &[])),
        ],
        waits: "",
    },
    Row {
        file: "rdp_standard_security.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &["admin_rdp"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["admin_rdp", "new_device_activity"], &[], &[])),
        ],
        waits: "",
    },
    // Of one external host, and not of industrial ports.
    Row {
        file: "nmap_synscan.pcap",
        attack: true,
        expected: [
            Some(expect(&["external_failures"], &["rare_external"], &[])),
            Some(expect(&["external_failures"], &["rare_external"], &[])),
            Some(expect(&["external_failures"], &["rare_external"], &[])),
        ],
        waits: "",
    },
    // Two refusals by one host are not yet more than usual.
    Row {
        file: "tcp_scan_mixed.pcapng",
        attack: true,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &["new_device_activity"], &[])),
        ],
        waits: "",
    },
    // Both ends are inside: self-signed is usual there.
    Row {
        file: "tls_selfsigned_nosni.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "tls_selfsigned_internal.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "tls_c2_nosni.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["tls_no_sni"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["tls_no_sni"], &["tls_self_signed"], &[])),
        ],
        waits: "",
    },
    Row {
        file: "tls_glupteba_nosni.pcap",
        attack: true,
        expected: [
            Some(expect(&[], &[], &["tls_no_sni"])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["tls_no_sni"], &[], &[])),
        ],
        waits: "",
    },
    // A browser that hides the name (ECH, ESNI).
    Row {
        file: "tls_nosni_browser.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &["tls_no_sni", "rare_external"], &[])),
        ],
        waits: "",
    },
    // Benign in truth; a new device at another plant that does this is news.
    Row {
        file: "tls_nosni_valid_cert.pcap",
        attack: false,
        expected: [
            Some(expect(&[], &[], &[])),
            Some(expect(&[], &[], &[])),
            Some(expect(&["tls_no_sni"], &[], &[])),
        ],
        waits: "",
    },
    Row {
        file: "tls_sni_benign.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    // One address is both ends.
    Row {
        file: "tls_selfsigned_nulllink.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    // 1.8 MB: a first upload of that size says nothing without a past of volumes.
    Row {
        file: "upload_smtp_external.pcap",
        attack: true,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "bulk_smb_internal.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "vlan_qinq.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "vlan_pcp_dei.pcapng",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "vlan_mpls_mixed.pcap",
        attack: false,
        expected: [Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[])), Some(expect(&[], &[], &[]))],
        waits: "",
    },
    Row {
        file: "iot_scan_outbound.pcap",
        attack: true,
        expected: [
            Some(expect(&["external_failures", "rare_external"], &[], &[])),
            Some(expect(&["external_failures"], &["rare_external"], &[])),
            Some(expect(&["external_failures", "rare_external"], &[], &[])),
        ],
        waits: "",
    },
];
