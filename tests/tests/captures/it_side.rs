//! The IT side: who devices say they are, and which names addresses have.

use std::collections::BTreeMap;

use isthmus::protocol::AssetField;
use isthmus::state::world::Settings;

use crate::helper::{Seen, replay, tshark};

/// Facts of one protocol as host, field and value, sorted.
fn facts(seen: &Seen, protocol: &str) -> Vec<(String, AssetField, String)> {
    let mut facts: Vec<_> = seen
        .assets
        .iter()
        .filter(|(_, source, _)| *source == protocol)
        .map(|(host, _, asset)| (host.clone(), asset.field, asset.value.to_string()))
        .collect();
    facts.sort();
    facts.dedup();
    facts
}

#[test]
fn hosts_are_what_they_and_the_dissector_say() {
    use AssetField::{Address, Name, Protocol, Software, Station, System};
    let switch = "Siemens AG SIMATIC S7 MULTIPORT SCALANCE X 200 FAM";
    /// File, protocol, and who said what about which of its properties.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, AssetField, &'a str)]);
    let cases: &[Case<'_>] = &[
        (
            "bulk_smb_internal.pcap",
            "smb",
            &[
                ("10.0.0.11", Name, "SERVER01"),
                ("10.0.0.12", Name, "SERVER002"),
                ("10.0.0.12", System, "Windows 6.0.6001"),
                ("10.0.0.12", Protocol, "SMB 2.0.2"),
            ],
        ),
        // Of the first connection only the server's side was captured.
        (
            "enip_remote_mode_stop.pcap",
            "smb",
            &[
                ("192.168.10.21", Name, "WIN2K3LAB021"),
                ("192.168.10.21", System, "Windows 5.2.3790"),
                ("192.168.10.21", Protocol, "SMB 1"),
            ],
        ),
        // A device that never gets a lease gave itself an address.
        // black-pearl says its name before it has an address of IPv4; the device is known by then, by the one it solicited its
        // router from, and keeps the name whatever addresses it has later.
        (
            "iot_scan_outbound.pcap",
            "dhcp",
            &[("169.254.242.182", Name, "Nimbus"), ("fe80::ba27:ebff:fec7:e9c9", Name, "black-pearl")],
        ),
        (
            "iot_scan_outbound.pcap",
            "ssh",
            &[
                ("192.168.2.1", Software, "OpenSSH_7.4"),
                ("192.168.2.16", Software, "OpenSSH_6.7p1 Raspbian-5"),
            ],
        ),
        (
            "mms_goose_mixed.pcap",
            "smb",
            &[
                ("172.16.0.101", Name, "DEMO"),
                ("172.16.0.122", Name, "SAS1"),
                ("172.16.0.122", Protocol, "SMB 1"),
            ],
        ),
        // The switch asks in vain for an address and is known by its MAC.
        ("profinet_mixed.pcap", "dhcp", &[("fe80::20e:8cff:feef:75c5", Name, "siemens-x208-switch")]),
        (
            "profinet_mixed.pcap",
            "lldp",
            &[
                ("fe80::209:91ff:fe43:e068", Station, "versamax-pns11"),
                ("fe80::209:91ff:fe43:e068", Address, "192.168.1.2"),
                ("fe80::20e:8cff:feef:75c9", Station, "siemens-x208-switch"),
                ("fe80::20e:8cff:feef:75c9", System, switch),
                ("fe80::20e:8cff:feef:75cd", Station, "siemens-x208-switch"),
                ("fe80::20e:8cff:feef:75cd", System, switch),
            ],
        ),
        (
            "tls_selfsigned_internal.pcap",
            "ssh",
            &[
                ("192.168.2.144", Software, "OpenSSH_6.9"),
                ("192.168.2.230", Software, "OpenSSH_6.7p1 Debian-5+deb8u1"),
            ],
        ),
        (
            "vlan_mpls_mixed.pcap",
            "http",
            &[
                ("125.190.109.199", Software, "Apache/1.3.33 (Unix)"),
                ("141.42.64.125", Software, "Wget/1.10"),
            ],
        ),
        (
            "vlan_qinq.pcap",
            "http",
            &[
                ("141.142.228.5", Software, "Wget/1.14 (darwin12.2.0)"),
                ("192.150.187.43", Software, "Apache/2.4.3 (Fedora)"),
            ],
        ),
    ];
    for (file, protocol, expected) in cases {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(host, field, value)| ((*host).to_owned(), *field, (*value).to_owned()))
            .collect();
        expected.sort();
        assert_eq!(facts(&seen, protocol), expected, "{file}, {protocol}");
    }
}

#[test]
fn tshark_reads_the_same_names_in_ntlm() {
    for file in ["bulk_smb_internal.pcap", "enip_remote_mode_stop.pcap", "mms_goose_mixed.pcap"] {
        let fields = ["ip.src", "ntlmssp.challenge.target_info.nb_computer_name", "ntlmssp.auth.hostname"];
        let Some(rows) = tshark(file, "ntlmssp", &fields) else { return };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut theirs = Vec::new();
        for row in &rows {
            let names = row[1].iter().chain(&row[2]).filter(|name| *name != "NULL");
            theirs.extend(names.map(|name| (row[0][0].clone(), AssetField::Name, name.clone())));
        }
        theirs.sort();
        theirs.dedup();
        let ours: Vec<_> =
            facts(&seen, "smb").into_iter().filter(|(_, field, _)| *field == AssetField::Name).collect();
        assert_eq!(ours, theirs, "{file}");
    }
}

#[test]
fn names_of_addresses_are_those_tshark_reads_in_answers() {
    for file in ["iot_scan_outbound.pcap"] {
        let fields = ["dns.qry.name", "dns.a", "dns.aaaa"];
        let Some(rows) = tshark(file, "dns.flags.response == 1 && dns.flags.rcode == 0", &fields) else {
            return;
        };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            let Some(name) = row[0].first() else { continue };
            for address in row[1].iter().chain(&row[2]) {
                theirs.insert(address.clone(), name.to_lowercase());
            }
        }
        assert!(!theirs.is_empty(), "{file}");
        // Multicast DNS announces without a question, the only name tshark shows apart from the records.
        let ours: BTreeMap<_, _> =
            seen.names.into_iter().filter(|(_, name)| !name.ends_with(".local")).collect();
        assert_eq!(ours, theirs, "{file}");
    }
}
