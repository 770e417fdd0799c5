//! RDP's opening against tshark.

use isthmus::protocol::rdp::Handshake;
use isthmus::state::world::Settings;

use crate::helper::{Seen, replay, tshark};

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
