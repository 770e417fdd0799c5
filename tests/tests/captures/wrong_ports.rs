//! A port is only a hint: content on an odd port is found, foreign content on a listed port is not what the port says.

use isthmus::protocol::by_name;
use isthmus::source::capture::Capture;
use isthmus::state::world::Settings;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::Frame;

use crate::helper::{Seen, captures, replay, replay_file};

/// Replays a capture with one port in place of another, of TCP and UDP.
fn moved(file: &str, from: u16, to: u16) -> Option<Seen> {
    let mut capture = Capture::open(&captures()?.join(file)).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = capture.next() {
        let packet = packet.unwrap();
        let (at_ns, mut bytes) = (packet.at.0, packet.frame.into_owned());
        if bytes.get(12..14) == Some(&[8, 0]) && matches!(bytes.get(23), Some(6 | 17)) {
            let ports = 14 + usize::from(bytes[14] & 0xf) * 4;
            for at in [ports, ports + 2] {
                if bytes.get(at..at + 2) == Some(&from.to_be_bytes()) {
                    bytes[at..at + 2].copy_from_slice(&to.to_be_bytes());
                }
            }
        }
        frames.push(Frame { at_ns, leg: 0, bytes });
    }
    let path = std::env::temp_dir().join(format!("isthmus-{}-{from}-{to}-{file}.pcap", std::process::id()));
    write_pcap(&mut std::fs::File::create(&path).unwrap(), frames).unwrap();
    let seen = replay_file(&path, Settings::default());
    std::fs::remove_file(path).unwrap();
    Some(seen)
}

#[test]
fn commands_on_an_odd_port_are_found() {
    // How many of a hundred commands at least. Until content has identified a flow 16 KiB of each direction are shipped. The
    // OPC UA session of a host with itself says more than that in the first ten milliseconds. 120 of the BACnet requests and
    // their answers tell a wrong length, which only its port excuses.
    for (file, port, protocol, share) in [
        ("bacnet_polling.pcap", 47_808, "bacnet", 92),
        ("beckhoff_ads.pcapng", 48_898, "ads", 100),
        ("dnp3_select_operate_many.pcap", 20_000, "dnp3", 100),
        ("enip_download.pcap", 44_818, "enip", 100),
        ("iec104_all_commands.pcap", 2404, "iec104", 100),
        ("mms_goose_mixed.pcap", 102, "mms", 100),
        ("modbus_umas.pcap", 502, "modbus", 100),
        ("niagara_fox_probe.pcap", 1911, "fox", 100),
        ("omron_fins.pcap", 9600, "fins", 100),
        ("opcua_sessions.pcap", 4840, "opcua", 95),
        ("profinet_mixed.pcap", 34_964, "profinet-cm", 100),
        ("s7_download_db1.pcap", 102, "s7comm", 100),
        ("s7plus_upload_ob1.pcap", 102, "s7comm-plus", 100),
    ] {
        let (Some(usual), Some(odd)) = (replay(file, Settings::default()), moved(file, port, 17_171)) else {
            return;
        };
        let (found, of) = (odd.of(protocol).count(), usual.of(protocol).count());
        assert!(found * 100 >= of * share && found > 0, "{file}: {found} of {of} commands");
    }
}

#[test]
fn handshakes_on_an_odd_port_are_found() {
    for (file, port, protocol) in [
        ("rdp_cookie_administr.pcap", 3389, "rdp"),
        ("tls_selfsigned_nosni.pcap", 443, "tls"),
        ("tls_selfsigned_internal.pcap", 443, "ssh"),
        ("bulk_smb_internal.pcap", 445, "smb"),
        ("vlan_mpls_mixed.pcap", 80, "http"),
    ] {
        let Some(seen) = moved(file, port, 17_171) else { return };
        assert!(seen.connections.contains_key(protocol), "{file}: {:?}", seen.connections);
    }
}

#[test]
fn foreign_content_on_an_industrial_port_is_not_called_industrial() {
    for (file, port, protocol) in [
        ("bulk_smb_internal.pcap", 445, "smb"),
        ("rdp_cookie_user_tls.pcap", 3389, "rdp"),
        ("rdp_no_cookie.pcap", 3389, "rdp"),
        ("tls_nosni_browser.pcap", 443, "tls"),
        ("tls_selfsigned_internal.pcap", 443, "ssh"),
        ("tls_sni_benign.pcap", 443, "tls"),
        ("vlan_mpls_mixed.pcap", 80, "http"),
    ] {
        for industrial in [102, 502, 2404, 4840, 20_000, 44_818] {
            let Some(seen) = moved(file, port, industrial) else { return };
            assert!(seen.commands.is_empty(), "{file} on {industrial}");
            assert!(
                seen.connections.contains_key(protocol),
                "{file} on {industrial}: {:?}",
                seen.connections
            );
            let called =
                seen.connections.keys().filter(|name| by_name(name).is_some_and(|spec| spec.industrial));
            assert_eq!(called.count(), 0, "{file} on {industrial}: {:?}", seen.connections);
        }
    }
}

#[test]
fn of_seven_connections_to_502_one_is_modbus() {
    let Some(seen) = replay("modbus_external_502.pcap", Settings::default()) else { return };
    assert_eq!(seen.connections.get("modbus"), Some(&1), "{:?}", seen.connections);
    let industrial = seen.connections.keys().filter(|name| by_name(name).is_some_and(|spec| spec.industrial));
    assert_eq!(industrial.count(), 1, "{:?}", seen.connections);
}
