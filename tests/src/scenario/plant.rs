//! Who is there: stations, addresses, vendors, and where their frames enter the gateway.
//!
//! ```text
//!  Internet ── firewall ──VLAN 99──┐                         ┌── WinCC, historian, engineering, line gateway
//!                                  ├─ leg 0 [gateway] leg 1 ─┤        VLAN 20 "Industrial" 10.20.0.0/16
//!  office, servers ───────VLAN 10──┘                         └── S7 and Modbus controllers
//!      "Computing" 10.10.0.0/16
//! ```
//!
//! Each leg also receives what stations of its side say to each other (the switch there mirrors it), each frame once.
//! External addresses are from ranges nobody owns: 198.18.0.0/15 (RFC 2544) and the documentation networks (RFC 5737).

use std::net::Ipv4Addr;

use crate::conversation::Side;
use crate::packet::Mac;
use crate::payload::s7::Identity;

/// Where a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// VLAN 10 "Computing", leg 0.
    It,
    /// VLAN 20 "Industrial", leg 1.
    Ot,
    /// Behind the firewall, VLAN 99, leg 0.
    External,
}

impl Place {
    /// The 802.1Q tag of frames from there.
    #[must_use]
    pub fn vlan(self) -> u16 {
        match self {
            Place::It => 10,
            Place::Ot => 20,
            Place::External => 99,
        }
    }

    /// The interface of the gateway they enter on.
    #[must_use]
    pub fn leg(self) -> u8 {
        u8::from(self == Place::Ot)
    }

    /// The gateway's own MAC address there.
    #[must_use]
    pub fn gateway(self) -> Mac {
        Mac::from_oui(ADVANTECH, 0x10_0000 + u32::from(self.vlan()))
    }
}

const ADVANTECH: u32 = 0x00_0bab;
const DELL: u32 = 0xf8_bc12;
const FORTINET: u32 = 0x00_090f;
const HP: u32 = 0x3c_d92b;
const LCFC: u32 = 0x8c_1645;
const MOXA: u32 = 0x00_90e8;
const RASPBERRY: u32 = 0xdc_a632;
const SCHNEIDER: u32 = 0x00_80f4;
const SIEMENS: u32 = 0x28_6336;
const SYNOLOGY: u32 = 0x00_1132;
const VMWARE: u32 = 0x00_5056;

/// A station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Short name, as a site would call it.
    pub name: &'static str,
    /// Its MAC address; the firewall's for external stations.
    pub mac: Mac,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Where it is.
    pub place: Place,
    /// TTL of its packets when the gateway receives them.
    pub ttl: u8,
}

impl Host {
    const fn it(name: &'static str, oui: u32, third: u8, fourth: u8, ttl: u8) -> Self {
        let ip = Ipv4Addr::new(10, 10, third, fourth);
        let serial = 0x2a_0000 + ((third as u32) << 8) + fourth as u32;
        Self { name, mac: Mac::from_oui(oui, serial), ip, place: Place::It, ttl }
    }

    const fn ot(name: &'static str, oui: u32, third: u8, fourth: u8, ttl: u8) -> Self {
        let ip = Ipv4Addr::new(10, 20, third, fourth);
        let serial = 0x5b_0000 + ((third as u32) << 8) + fourth as u32;
        Self { name, mac: Mac::from_oui(oui, serial), ip, place: Place::Ot, ttl }
    }

    /// A station on the Internet.
    #[must_use]
    pub const fn external(name: &'static str, ip: Ipv4Addr) -> Self {
        Self { name, mac: Mac::from_oui(FORTINET, 0x77_0001), ip, place: Place::External, ttl: 52 }
    }

    /// How its frames to `peer` look, sent from `port`.
    #[must_use]
    pub fn side_towards(&self, peer: &Host, port: u16) -> Side {
        let shared_link = self.place == peer.place && self.place != Place::External;
        Side {
            mac: self.mac,
            next_hop: if shared_link { peer.mac } else { self.place.gateway() },
            ip: self.ip.into(),
            port,
            vlan: Some(self.place.vlan()),
            leg: self.place.leg(),
            ttl: self.ttl,
        }
    }
}

/// The stations of the plant, by what they are for. The same for every seed.
#[derive(Clone, Debug)]
pub struct Plant {
    /// SCADA server: polls the S7 controllers, is reached by remote desktop.
    pub wincc: Host,
    /// Engineering station.
    pub engineering: Host,
    /// Historian: collects from the SCADA server, shows dashboards to the office.
    pub historian: Host,
    /// Line gateway: polls the Modbus controllers.
    pub line_gateway: Host,
    /// S7 controllers and what they answer when asked who they are.
    pub s7: [Host; 5],
    /// Their serial numbers.
    pub serials: [&'static str; 5],
    /// Modbus controllers.
    pub modbus: [Host; 4],
    /// Directory, name, time and address server of the IT side.
    pub directory: Host,
    /// Where the administrator works from.
    pub jump: Host,
    /// File server.
    pub files: Host,
    /// Backup server.
    pub backup: Host,
    /// Intranet web server.
    pub intranet: Host,
    /// Printer.
    pub printer: Host,
    /// Office computers.
    pub office: [Host; 10],
    /// What the office uses on the Internet.
    pub internet: [Host; 12],
    /// A time server on the Internet.
    pub time: Host,
    /// The device nobody knows.
    pub stranger: Host,
    /// A new office computer somebody ordered.
    pub newcomer: Host,
}

const OFFICE: [&str; 10] = ["pc01", "pc02", "pc03", "pc04", "pc05", "pc06", "pc07", "pc08", "pc09", "pc10"];
const S7: [&str; 5] = ["plc-mixer", "plc-oven", "plc-filler", "plc-packer", "plc-cip"];
const SERIALS: [&str; 5] =
    ["S C-H4B81530217", "S C-H4B81530398", "S C-J2A90127711", "S C-K7C12200045", "S C-K7C12200046"];
const MODBUS: [&str; 4] = ["meter-energy", "vfd-chiller", "rtu-water", "rtu-steam"];
const INTERNET: [&str; 12] = [
    "mail.suite.example",
    "files.suite.example",
    "meet.suite.example",
    "update-os.example",
    "antivirus.example",
    "www.news.example",
    "search.example",
    "logistics.example",
    "supplier.example",
    "weather.example",
    "bank.example",
    "cdn-static.example",
];

impl Plant {
    /// The plant.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wincc: Host::ot("wincc", DELL, 0, 5, 128),
            engineering: Host::ot("engineering", DELL, 0, 10, 128),
            historian: Host::ot("historian", HP, 0, 6, 128),
            line_gateway: Host::ot("line-gateway", MOXA, 0, 8, 64),
            s7: std::array::from_fn(|i| Host::ot(S7[i], SIEMENS, 1, 11 + i as u8, 64)),
            serials: SERIALS,
            modbus: std::array::from_fn(|i| Host::ot(MODBUS[i], SCHNEIDER, 2, 21 + i as u8, 64)),
            directory: Host::it("directory", VMWARE, 0, 10, 128),
            jump: Host::it("jump", VMWARE, 0, 20, 128),
            files: Host::it("files", VMWARE, 0, 25, 128),
            backup: Host::it("backup", SYNOLOGY, 0, 30, 64),
            intranet: Host::it("intranet", VMWARE, 0, 40, 64),
            printer: Host::it("printer", HP, 4, 9, 64),
            office: std::array::from_fn(|i| Host::it(OFFICE[i], LCFC, 2, 101 + i as u8, 128)),
            internet: std::array::from_fn(|i| {
                Host::external(INTERNET[i], Ipv4Addr::new(198, 18, 10 + 3 * i as u8, 20 + i as u8))
            }),
            time: Host::external("time.example", Ipv4Addr::new(198, 18, 123, 1)),
            stranger: Host::it("raspberrypi", RASPBERRY, 7, 66, 64),
            newcomer: Host::it("pc11", LCFC, 2, 140, 128),
        }
    }

    /// All stations of the OT side.
    #[must_use]
    pub fn ot(&self) -> Vec<Host> {
        let mut out = vec![self.wincc, self.engineering, self.historian, self.line_gateway];
        out.extend(self.s7);
        out.extend(self.modbus);
        out
    }

    /// All ordinary stations of the IT side.
    #[must_use]
    pub fn it(&self) -> Vec<Host> {
        let mut out = vec![self.directory, self.jump, self.files, self.backup, self.intranet, self.printer];
        out.extend(self.office);
        out
    }

    /// Who the `index`-th S7 controller says it is.
    #[must_use]
    pub fn s7_identity(&self, index: usize) -> Identity {
        Identity {
            order_number: if index < 3 { "6ES7 315-2EH14-0AB0" } else { "6ES7 317-2EK14-0AB0" },
            firmware: [3, 2, if index < 2 { 6 } else { 17 }],
            system: "SIMATIC 300(1)",
            module: if index < 3 { "CPU 315-2 PN/DP" } else { "CPU 317-2 PN/DP" },
            serial: self.serials[index % self.serials.len()],
        }
    }
}

impl Default for Plant {
    fn default() -> Self {
        Self::new()
    }
}
