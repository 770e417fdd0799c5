//! TLS handshakes against tshark.

use isthmus::protocol::tls::{Handshake, Sni};
use isthmus::state::world::Settings;

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
