//! No capture is forgotten: what each of them holds, by content.

use std::collections::BTreeMap;

use isthmus::state::world::Settings;

use crate::helper::{files, replay};

/// A protocol, the connections found to be it, the commands decoded in them.
type Found = (&'static str, u64, u64);

/// One row a file, sorted. A row says everything that is found: a protocol missing from it must not be found there.
#[rustfmt::skip]
const EXPECTED: &[(&str, &[Found])] = &[
    ("bacnet_internet_scan.pcap", &[("bacnet", 10, 23)]),
    ("bacnet_polling.pcap", &[("bacnet", 91, 3257)]),
    ("beckhoff_ads.pcapng", &[("ads", 1, 44)]),
    ("bulk_smb_internal.pcap", &[("smb", 1, 0)]),
    ("dnp3_cold_restart.pcap", &[("dnp3", 1, 2)]),
    ("dnp3_direct_operate.pcap", &[("dnp3", 1, 2)]),
    ("dnp3_file_write.pcap", &[("dnp3", 1, 6)]),
    ("dnp3_quickdraw.pcap", &[("dnp3", 9, 115)]),
    ("dnp3_select_operate_many.pcap", &[("dnp3", 11, 732)]),
    ("enip_cip_start.pcap", &[("cip", 0, 1), ("enip", 1, 1)]),
    ("enip_cip_stop.pcap", &[("cip", 0, 1), ("enip", 1, 1)]),
    ("enip_cip_unlock.pcap", &[("cip", 0, 1), ("enip", 1, 1)]),
    ("enip_download.pcap", &[("cip", 0, 2373), ("enip", 1, 814), ("lldp", 1, 0)]),
    ("enip_listidentity.pcap", &[("enip", 1, 2)]),
    ("enip_mixed.pcap", &[("cip", 1, 1182), ("enip", 2, 269), ("lldp", 2, 0)]),
    ("enip_remote_mode_stop.pcap", &[("cip", 0, 3514), ("enip", 1, 301), ("smb", 2, 0)]),
    ("enip_upload.pcap", &[("cip", 0, 1378), ("enip", 1, 791), ("lldp", 1, 0)]),
    ("goose_vlan0.pcap", &[("goose", 3, 253)]),
    ("iec104_all_commands.pcap", &[("iec104", 1, 115)]),
    ("iec104_measurements.pcap", &[("iec104", 2, 8)]),
    ("iec104_polling.pcap", &[("iec104", 2, 235)]),
    ("iot_scan_outbound.pcap", &[("dhcp", 3, 0), ("dns", 24, 0), ("ssh", 2, 0)]),
    ("mms_goose_mixed.pcap", &[("goose", 3, 10), ("mms", 4, 35), ("smb", 4, 0)]),
    ("modbus_all_fc.pcap", &[("modbus", 2, 48)]),
    ("modbus_external_502.pcap", &[("modbus", 1, 12), ("rdp", 1, 0), ("tls", 1, 0)]),
    ("modbus_function_scan.pcap", &[("modbus", 1, 281)]),
    ("modbus_multi_master.pcap", &[("modbus", 5, 2258)]),
    ("modbus_quickdraw_part1.pcap", &[("modbus", 3, 34)]),
    ("modbus_umas.pcap", &[("modbus", 1, 180)]),
    ("niagara_fox_probe.pcap", &[("fox", 1, 3)]),
    ("nmap_synscan.pcap", &[]),
    ("omron_fins.pcap", &[("fins", 3, 251)]),
    ("opcua_discovery_nulllink.pcap", &[("dns", 1, 0), ("opcua", 4, 30)]),
    ("opcua_sessions.pcap", &[("opcua", 3, 240)]),
    ("plant1_enip.pcap", &[("cip", 0, 74046), ("enip", 4, 8799)]),
    ("plant1_modbus.pcap", &[("modbus", 14, 15976)]),
    ("plant1_s7.pcap", &[("s7comm", 14, 10568)]),
    ("profinet_dcp_set_ip.pcap", &[("profinet-dcp", 3, 4)]),
    ("profinet_mixed.pcap", &[("dhcp", 1, 0), ("dns", 35, 0), ("http", 1, 0), ("lldp", 3, 0), ("profinet-cm", 8, 38), ("profinet-dcp", 3, 19), ("profinet-rt", 4, 0)]),
    ("profinet_s7_misc.pcap", &[("lldp", 2, 0)]),
    ("rdp_cookie_administr.pcap", &[("rdp", 1, 0)]),
    ("rdp_cookie_user_tls.pcap", &[("rdp", 2, 0)]),
    ("rdp_no_cookie.pcap", &[("rdp", 1, 0)]),
    ("rdp_standard_security.pcap", &[("rdp", 1, 0)]),
    ("s7_blocklist_onlineview.pcap", &[("s7comm", 5, 70)]),
    ("s7_download_db1.pcap", &[("s7comm", 3, 48)]),
    ("s7_ident_probe.pcap", &[("s7comm", 1, 22)]),
    ("s7_libnodave_rw.pcap", &[("s7comm", 1, 16)]),
    ("s7_read_plc_status.pcap", &[("s7comm", 1, 144)]),
    ("s7_set_time.pcap", &[("s7comm", 1, 26)]),
    ("s7_snap7_everything.pcapng", &[("s7comm", 1, 64)]),
    ("s7_step7_download.pcapng", &[("s7comm", 1, 96)]),
    ("s7_step7_stop.pcapng", &[("s7comm", 1, 4)]),
    ("s7_tia_goonline.pcapng", &[("s7comm", 1, 448)]),
    ("s7_wincc_read_write.pcapng", &[("s7comm", 1, 164)]),
    ("s7plus_hmi.pcap", &[("s7comm-plus", 1, 24)]),
    ("s7plus_upload_ob1.pcap", &[("s7comm-plus", 1, 86)]),
    ("tcp_scan_mixed.pcapng", &[]),
    ("tls_c2_nosni.pcap", &[("tls", 1, 0)]),
    ("tls_glupteba_nosni.pcap", &[("tls", 1, 0)]),
    ("tls_nosni_browser.pcap", &[("tls", 8, 0)]),
    ("tls_nosni_valid_cert.pcap", &[("tls", 1, 0)]),
    ("tls_selfsigned_internal.pcap", &[("ssh", 1, 0), ("tls", 1, 0)]),
    ("tls_selfsigned_nosni.pcap", &[("tls", 1, 0)]),
    ("tls_selfsigned_nulllink.pcap", &[("tls", 1, 0)]),
    ("tls_sni_benign.pcap", &[("tls", 1, 0)]),
    ("upload_smtp_external.pcap", &[]),
    ("vlan_mpls_mixed.pcap", &[("http", 1, 0)]),
    ("vlan_pcp_dei.pcapng", &[]),
    ("vlan_qinq.pcap", &[("http", 1, 0)]),
];

#[test]
fn every_capture_holds_what_its_row_says_and_nothing_else() {
    let Some(files) = files() else { return };
    let mut wrong = Vec::new();
    for file in &files {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (protocol, n) in &seen.connections {
            found.entry(protocol).or_default().0 = *n;
        }
        for row in &seen.commands {
            found.entry(row.protocol).or_default().1 += 1;
        }
        let found: Vec<(&str, u64, u64)> = found.iter().map(|(name, (n, m))| (*name, *n, *m)).collect();
        let row = EXPECTED.iter().find(|(name, _)| name == file).map(|(_, row)| *row);
        if row != Some(found.as_slice()) {
            wrong.push(format!("    ({file:?}, &{found:?}),"));
        }
    }
    assert!(wrong.is_empty(), "the analysis found instead:\n{}", wrong.join("\n"));
}

#[test]
fn every_row_is_of_a_capture_there_is_and_rows_are_sorted() {
    let Some(files) = files() else { return };
    let rows: Vec<_> = EXPECTED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(rows, files);
}
