//! TLS handshakes against tshark.

use isthmus::protocol::tls::{Handshake, Sni};
use isthmus::state::world::Settings;
use sha2::{Digest as _, Sha256};

use crate::helper::{replay, tshark};

const FILES: [&str; 8] = [
    "modbus_external_502.pcap",
    "tls_c2_nosni.pcap",
    "tls_glupteba_nosni.pcap",
    "tls_nosni_browser.pcap",
    "tls_nosni_valid_cert.pcap",
    "tls_selfsigned_internal.pcap",
    "tls_selfsigned_nosni.pcap",
    "tls_sni_benign.pcap",
];

#[test]
fn tshark_reads_the_same_client_hellos() {
    for file in FILES {
        let fields = ["tls.handshake.extensions_server_name", "tls.handshake.ja3"];
        let Some(rows) = tshark(file, "tls.handshake.type == 1", &fields) else { return };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut theirs: Vec<_> =
            rows.iter().map(|row| (row[0].first().cloned(), row[1].first().cloned())).collect();
        let mut ours: Vec<_> = seen
            .tls
            .iter()
            .filter_map(|handshake| match handshake {
                Handshake::ClientHello(hello) => Some(hello),
                _ => None,
            })
            .map(|hello| {
                let name = if let Sni::Present(name) = &hello.sni { Some(name.to_string()) } else { None };
                // tshark gives none for a ClientHello in the framing of SSL 2.0.
                let ja3 = Some(hello.ja3.to_string()).filter(|_| file != "tls_glupteba_nosni.pcap");
                (name, ja3)
            })
            .collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{file}");
    }
}

#[test]
fn tshark_reads_the_same_certificates_in_the_same_order() {
    let mut chains = 0;
    for file in FILES {
        let Some(rows) =
            tshark(file, "tls.handshake.type == 11 && tcp.srcport < 1024", &["tls.handshake.certificate"])
        else {
            return;
        };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let unhex = |text: &String| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let theirs: Vec<(u16, [u8; 32])> = rows
            .iter()
            .flat_map(|row| (0..).zip(&row[0]))
            .map(|(place, der)| (place, Sha256::digest(unhex(der)).into()))
            .collect();
        let ours: Vec<_> = seen
            .tls
            .iter()
            .filter_map(|handshake| match handshake {
                Handshake::Certificate(certificate) => Some((certificate.place, certificate.sha256)),
                _ => None,
            })
            .collect();
        assert_eq!(ours, theirs, "{file}");
        let ends = seen.tls.iter().filter_map(|handshake| match handshake {
            Handshake::ChainEnd { certificates } => Some(usize::from(*certificates)),
            _ => None,
        });
        let ends: Vec<_> = ends.collect();
        assert_eq!(ends, rows.iter().map(|row| row[0].len()).collect::<Vec<_>>(), "{file}");
        chains += ends.len();
    }
    assert_eq!(chains, 5);
}
