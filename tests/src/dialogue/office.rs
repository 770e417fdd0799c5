//! Protocols of the IT side. Most say all a sensor reads when they open.

use std::net::Ipv4Addr;

use super::write::{hex, join};
use super::{Carrier, Dialogue, Said, ask, tell};
use crate::packet::Mac;
use crate::payload::{dhcp, dns, http, rdp, smb, tls};
use crate::rng::Rng;

pub(super) fn all() -> Vec<Dialogue> {
    let dialogue = |protocol, carrier, opening, poll| Dialogue { protocol, carrier, opening, poll };
    let rng = &mut Rng::new(1);
    let [hello, chain, key, done] =
        tls::Handshake::nameless(tls::certificate::SELF_SIGNED_ECDSA).flights(rng);
    vec![
        dialogue("dhcp", Carrier::Udp(dhcp::SERVER_PORT), vec![], dhcp),
        dialogue("dns", Carrier::Udp(dns::PORT), vec![], |n| {
            let id = n as u16;
            let name = "historian.plant.example";
            vec![ask(dns::query(id, name)), tell(dns::answer(id, name, Ipv4Addr::new(10, 20, 0, 9)))]
        }),
        dialogue(
            "ftp",
            Carrier::Tcp(21),
            vec![tell(*b"220 ProFTPD 1.3.5 Server (S7-1500)\r\n"), ask(*b"USER anonymous\r\n")],
            |_| vec![ask(*b"LIST\r\n"), tell(*b"226 Transfer complete\r\n")],
        ),
        dialogue("http", Carrier::Tcp(http::PORT), vec![], |_| {
            vec![ask(http::get("plc7.plant.example", "/awp/values.json")), tell(http::ok(200))]
        }),
        dialogue("lldp", Carrier::Link(0x88cc), vec![], |_| vec![ask(lldp())]),
        dialogue(
            "rdp",
            Carrier::Tcp(rdp::PORT),
            vec![
                ask(rdp::connection_request(Some("administrator"), rdp::RESTRICTED_ADMIN, rdp::HYBRID)),
                tell(rdp::connection_confirm(rdp::HYBRID)),
            ],
            encrypted,
        ),
        dialogue(
            "smb",
            Carrier::Tcp(smb::PORT),
            vec![ask(smb::negotiate(rng)), tell(smb::negotiated(rng))],
            |n| {
                let rng = &mut Rng::new(n.into());
                vec![ask(smb::encrypted(300, 7, rng)), tell(smb::encrypted(900, 7, rng))]
            },
        ),
        dialogue(
            "ssh",
            Carrier::Tcp(22),
            vec![tell(*b"SSH-2.0-dropbear_2019.78\r\n"), ask(*b"SSH-2.0-OpenSSH_9.6 Debian-2\r\n")],
            |n| vec![ask(Rng::new(n.into()).bytes(64)), tell(Rng::new(n.into()).bytes(128))],
        ),
        dialogue("telnet", Carrier::Tcp(23), vec![tell(hex("fffd18 fffd20 fffd23 fffd27"))], |_| {
            vec![ask(*b"show status\r\n"), tell(*b"line 1: run\r\n")]
        }),
        dialogue(
            "tls",
            Carrier::Tcp(tls::PORT),
            vec![ask(hello), tell(chain), ask(key), tell(done)],
            encrypted,
        ),
        dialogue("vnc", Carrier::Tcp(5900), vec![tell(*b"RFB 003.008\n"), ask(*b"RFB 003.008\n")], |n| {
            vec![ask([3, 1, 0, 0, 0, 0, 4, 0, 3, 0]), tell(Rng::new(n.into()).bytes(512))]
        }),
        dialogue("winrm", Carrier::Tcp(5985), vec![], |_| {
            vec![
                ask(*b"POST /wsman HTTP/1.1\r\nUser-Agent: Microsoft WinRM Client\r\nHost: srv\r\nContent-Length: 0\r\n\r\n"),
                tell(http::ok(100)),
            ]
        }),
    ]
}

fn encrypted(n: u32) -> Vec<Said> {
    let rng = &mut Rng::new(n.into());
    vec![ask(tls::application_data(80, rng)), tell(tls::application_data(600, rng))]
}

fn dhcp(n: u32) -> Vec<Said> {
    let lease = dhcp::Lease {
        xid: n,
        mac: Mac([2, 0, 0, 0, 0, 1]),
        host_name: "hmi-line1",
        vendor_class: "MSFT 5.0",
        address: Ipv4Addr::new(10, 20, 0, 1),
        server: Ipv4Addr::new(10, 20, 0, 2),
        router: Ipv4Addr::new(10, 20, 0, 254),
    };
    vec![ask(lease.message(dhcp::Kind::Request)), tell(lease.message(dhcp::Kind::Ack))]
}

/// A controller as PROFINET describes it: chassis, port, time to live, name, description, end.
fn lldp() -> Vec<u8> {
    let values: [(u16, &[u8]); 6] = [
        (1, b"\x07plc-line-1"),
        (2, b"\x07port-001"),
        (3, b"\0\x14"),
        (5, b"plc"),
        (6, b"Siemens, SIMATIC S7, CPU 1214C"),
        (0, b""),
    ];
    let one = |(kind, value): (u16, &[u8])| join([&(kind << 9 | value.len() as u16).to_be_bytes(), value]);
    values.into_iter().flat_map(one).collect()
}
