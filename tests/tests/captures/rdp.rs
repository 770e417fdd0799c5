//! RDP's opening against tshark.

use isthmus::protocol::rdp::Handshake;
use isthmus::state::world::Settings;

use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::{MS, SEC, Side, udp_exchange};
use isthmus_tests::packet::Mac;
use isthmus_tests::payload::rdp::{udp_syn, udp_syn_ack};

use crate::helper::{Seen, replay, replay_file, tshark};

fn cookies(seen: &Seen) -> Vec<&str> {
    seen.rdp
        .iter()
        .filter_map(|handshake| match handshake {
            Handshake::Request { cookie, .. } => cookie.as_deref(),
            Handshake::Confirm { .. } => None,
        })
        .collect()
}

fn requested(seen: &Seen) -> Vec<u32> {
    seen.rdp
        .iter()
        .filter_map(|handshake| match handshake {
            Handshake::Request { protocols, .. } => *protocols,
            Handshake::Confirm { .. } => None,
        })
        .collect()
}

fn selected(seen: &Seen) -> Vec<u32> {
    seen.rdp
        .iter()
        .filter_map(|handshake| match handshake {
            Handshake::Confirm { selected, .. } => *selected,
            Handshake::Request { .. } => None,
        })
        .collect()
}

#[test]
fn captures_give_their_cookies_and_protocols() {
    for (file, users, protocols, chosen) in [
        ("rdp_cookie_administr.pcap", vec!["Administr"], None, None),
        ("rdp_cookie_user_tls.pcap", vec!["AWAKECODI"; 2], Some(3), Some(2)),
        ("rdp_no_cookie.pcap", vec![], Some(0x0b), Some(8)),
        ("rdp_standard_security.pcap", vec!["A70067"], None, None),
    ] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert_eq!(cookies(&seen), users, "{file}");
        if protocols.is_some() {
            assert_eq!(requested(&seen).first().copied(), protocols, "{file}");
            assert_eq!(selected(&seen).first().copied(), chosen, "{file}");
        }
    }
}

#[test]
fn tshark_reads_the_same_cookies_and_protocols() {
    let number = |text: &String| u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    for file in [
        "rdp_cookie_user_tls.pcap",
        "rdp_no_cookie.pcap",
        "rdp_standard_security.pcap",
        "rdp_cookie_administr.pcap",
    ] {
        let fields = ["rdp.rt_cookie", "rdp.negReq.requestedProtocols", "rdp.negReq.selectedProtocol"];
        let Some(rows) = tshark(file, "rdp", &fields) else { return };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let column = |i: usize| rows.iter().flat_map(move |row| row[i].iter());
        let theirs: Vec<_> = column(0).map(|cookie| cookie.trim_start_matches("Cookie: mstshash=")).collect();
        assert_eq!(cookies(&seen), theirs, "{file}");
        assert_eq!(requested(&seen), column(1).map(number).collect::<Vec<_>>(), "{file}");
        assert_eq!(selected(&seen), column(2).map(number).collect::<Vec<_>>(), "{file}");
    }
}

/// No public capture holds RDP over UDP: datagrams made from the specification, which tshark reads as such.
#[test]
fn transports_over_udp_are_those_tshark_recognises() {
    let side = |n: u8, port: u16| Side {
        mac: Mac([2, 0, 0, 0, 0, n]),
        next_hop: Mac([2, 0, 0, 0, 0, 3 - n]),
        ip: [10, 0, 0, n].into(),
        port,
        vlan: None,
        leg: 0,
        ttl: 64,
    };
    let path = std::env::temp_dir().join(format!("isthmus-{}-rdpudp.pcap", std::process::id()));
    let at = 1_773_234_000 * SEC;
    for port in [3389, 13_389] {
        let (client, server) = (side(1, 55_000), side(2, port));
        let frames = udp_exchange(&client, &server, at, MS, &udp_syn(7), &udp_syn_ack(7, 9));
        write_pcap(&mut std::fs::File::create(&path).unwrap(), frames).unwrap();
        let seen = replay_file(&path, Settings::default());
        assert_eq!(seen.connections.get("rdp"), Some(&1), "port {port}");
        let fields = ["rdpudp.flags.syn", "rdpudp.flags.ack", "rdpudp.upstreammtu", "rdpudp.synex.version"];
        if port == 3389
            && let Some(rows) = tshark(path.to_str().unwrap(), "rdpudp", &fields)
        {
            let rows: Vec<Vec<&str>> =
                rows.iter().map(|row| row.iter().map(|values| values[0].as_str()).collect()).collect();
            assert_eq!(rows, [["1", "0", "1232", "0x0002"], ["1", "1", "1232", "0x0002"]]);
        }
    }
    std::fs::remove_file(path).unwrap();
}
