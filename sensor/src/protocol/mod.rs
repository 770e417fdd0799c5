//! From payload bytes to typed messages and the [`Action`] they mean.
//!
//! A protocol is one file here and two lines below: its `mod` and its entry in [`REGISTRY`]. The file holds the wire
//! format (parser functions that return typed values), a [`Decode`] that turns stream bytes into [`Event`]s, and a
//! [`Spec`] with its names, ports and content probe. Ports are hints only: the probe decides.
//!
//! Decoders cannot panic on any bytes: no indexing, no unchecked arithmetic (`bytes.rs` has the readers they use),
//! and they hold bounded state. They never see time, addresses or ports.

use sensor_ebpf::flow::Transport;

mod about;
mod ber;
pub(crate) mod bytes;
pub mod command;
pub mod input;
pub mod text;

pub use about::About;
pub use command::{Action, Command, Direction, Function, Status};
pub use input::{Input, Probe, Side, Verdict};
pub use text::{Code, Text};

/// What a decoder saw. One segment may give many.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A request, response or notification of an industrial protocol.
    Command(Command),
    /// Something a device said about itself.
    Asset(Asset),
    /// Something said about a host that need not be an end of the connection.
    About(About),
    /// An RDP connection request or confirm.
    Rdp(rdp::Handshake),
    /// A TLS ClientHello, ServerHello or certificate.
    Tls(tls::Handshake),
    /// Bytes that break the protocol's rules. Counted by name; bursts are a finding.
    Malformed(Malformed),
}

/// One fact a device stated about itself; `side` says whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The end of the connection the fact is about.
    pub side: Side,
    /// What is stated.
    pub field: AssetField,
    /// The statement, trimmed, at most 128 bytes.
    pub value: Box<str>,
}

/// What a device can state about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetField {
    /// Maker.
    Vendor,
    /// Model or order number.
    Model,
    /// Firmware version.
    Firmware,
    /// Serial number.
    Serial,
    /// Name given by the operator.
    Name,
    /// IP address, of devices that speak below IP.
    Address,
    /// What the protocol tells devices apart by: a BACnet device instance, a PROFINET device id.
    Id,
    /// What the device is for, in its protocol's words: IO controller, IO device.
    Role,
    /// Name in PROFINET (NameOfStation).
    Station,
    /// Operating system, or what the device as a whole says it is.
    System,
    /// A program that runs there, as it announces itself. A host may have several.
    Software,
    /// A dialect it speaks where that matters: old ones are weak.
    Protocol,
}

/// Why bytes are not what the protocol allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// A checksum does not match the bytes it guards.
    #[error("bad checksum")]
    BadChecksum,
    /// A length field contradicts the bytes or the specification.
    #[error("bad length")]
    BadLength,
    /// A version or protocol identifier the specification does not know.
    #[error("bad version")]
    BadVersion,
    /// A value outside its range.
    #[error("bad value")]
    BadValue,
    /// The PDU ends before its fields do.
    #[error("truncated")]
    Truncated,
    /// TCP segments overlap with different bytes: an end may have read others than the sensor.
    #[error("overlap with other bytes")]
    Overlap,
}

/// Turns the bytes of one connection into events.
///
/// One value serves both directions of one connection, so that responses find their requests.
pub trait Decode: Send {
    /// Reads as many whole PDUs as `input.bytes` holds and returns how many bytes it is done with.
    ///
    /// What is left comes again at the front of the next call for the same side, with more bytes after it; a decoder
    /// that cannot make sense of the bytes returns `input.bytes.len()`. With `input.gap` bytes are missing before these:
    /// state that depends on them is dropped, and the bytes start at a segment boundary, most likely at a PDU.
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize;

    /// Memory kept for messages that are not whole yet, in bytes. A decoder that puts messages together from parts says how
    /// much it holds, so that all connections together stay bounded; one that holds too much is replaced by a new one.
    fn kept(&self) -> usize {
        0
    }

    /// Whether either end may ask, whoever opened the connection, and messages say which: a master may listen for its
    /// outstations. Elsewhere the end that opened a TCP connection is the one that asks.
    fn either_asks(&self) -> bool {
        false
    }

    /// Whether it decodes a stream of process data whose first messages tell all there is: what is shipped of a flow then
    /// keeps to the budget of its class.
    fn is_cyclic(&self) -> bool {
        false
    }
}

/// All that Isthmus knows about a protocol before its first byte.
pub struct Spec {
    /// The name in `network.protocol`, metrics and configuration.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// Where its servers usually listen.
    pub ports: &'static [Port],
    /// Whether machines are driven by it.
    pub industrial: bool,
    /// Whether these first bytes of one side are this protocol.
    pub probe: fn(Probe<'_>) -> Verdict,
    /// A decoder for a new connection.
    pub decoder: fn() -> Box<dyn Decode>,
    /// What it is and which of it Isthmus understands, for `isthmus explain`.
    pub about: &'static str,
}

impl Spec {
    /// Whether it travels in frames without IP only.
    pub fn is_link_layer(&self) -> bool {
        !self.ports.is_empty() && self.ports.iter().all(|port| matches!(port, Port::EtherType(_)))
    }
}

/// Where a protocol's servers usually listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// TCP.
    Tcp(u16),
    /// UDP.
    Udp(u16),
    /// No transport: frames of this EtherType. Only protocols that list it are asked about such frames.
    EtherType(u16),
}

impl Port {
    /// What the packet path calls a server's port on this transport.
    pub const fn of(transport: Transport, number: u16) -> Option<Self> {
        match transport {
            Transport::Tcp => Some(Self::Tcp(number)),
            Transport::Udp => Some(Self::Udp(number)),
            Transport::Ethernet => Some(Self::EtherType(number)),
            Transport::Other | Transport::Icmp | Transport::Icmpv6 => None,
        }
    }
}

/// `tcp/502`, `udp/161`, `ethertype/0x8892`.
impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(number) => write!(f, "tcp/{number}"),
            Self::Udp(number) => write!(f, "udp/{number}"),
            Self::EtherType(number) => write!(f, "ethertype/{number:#06x}"),
        }
    }
}

pub mod ads;
pub mod bacnet;
pub mod cip;
pub mod codesys;
pub mod csp;
pub mod dhcp;
pub mod dnp3;
pub mod dns;
pub mod enip;
pub mod fins;
pub mod fox;
mod framing;
pub mod ftp;
pub mod ge_srtp;
pub mod goose;
pub mod hart_ip;
pub mod http;
pub mod iec104;
pub mod lldp;
pub mod melsec;
pub mod mms;
pub mod modbus;
pub mod opcua;
mod opening;
mod pending;
mod process_bus;
pub mod profinet_cm;
pub mod profinet_dcp;
pub mod profinet_rt;
pub mod rdp;
pub mod s7comm;
pub mod s7comm_plus;
pub mod smb;
pub mod ssh;
pub mod sv;
pub mod telnet;
pub mod tls;
mod tpkt;
pub mod tristation;
pub mod vnc;
pub mod winrm;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod trial;

/// Every protocol, sorted by name. Where two could claim the same bytes their probes exclude each other.
pub const REGISTRY: &[&Spec] = &[
    &ads::SPEC,
    &bacnet::SPEC,
    &cip::SPEC,
    &codesys::SPEC,
    &csp::SPEC,
    &dhcp::SPEC,
    &dnp3::SPEC,
    &dns::SPEC,
    &enip::SPEC,
    &fins::SPEC,
    &fox::SPEC,
    &ftp::SPEC,
    &ge_srtp::SPEC,
    &goose::SPEC,
    &hart_ip::SPEC,
    &http::SPEC,
    &iec104::SPEC,
    &lldp::SPEC,
    &melsec::SPEC,
    &mms::SPEC,
    &modbus::SPEC,
    &opcua::SPEC,
    &profinet_cm::SPEC,
    &profinet_dcp::SPEC,
    &profinet_rt::SPEC,
    &rdp::SPEC,
    &s7comm::SPEC,
    &s7comm_plus::SPEC,
    &smb::SPEC,
    &ssh::SPEC,
    &sv::SPEC,
    &telnet::SPEC,
    &tls::SPEC,
    &tristation::SPEC,
    &vnc::SPEC,
    &winrm::SPEC,
];

/// The protocol of that name.
pub fn by_name(name: &str) -> Option<&'static Spec> {
    REGISTRY.iter().copied().find(|spec| spec.name == name)
}

/// Whether messages of protocol `inner` travel in connections of protocol `outer`.
pub fn carries(outer: &str, inner: &str) -> bool {
    (outer, inner) == (enip::SPEC.name, cip::SPEC.name)
}
