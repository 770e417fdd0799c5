//! The network layer (clause 6): from whom to whom across routers, and what routers tell each other.

use std::fmt::Write as _;

use crate::protocol::Malformed;
use crate::protocol::bytes::Bytes as _;
use crate::protocol::command::{Action, Command, Direction, Function};
use crate::protocol::text::Text;

/// One station behind a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Station {
    /// Its network.
    pub network: u16,
    /// Its address there, as far as it is kept, and how long it is.
    address: ([u8; KEPT], u8),
}

/// Bytes kept of an address; MS/TP has one, BACnet/IP and Ethernet six, LonTalk seven.
const KEPT: usize = 8;

impl Station {
    /// `network:address`, as the tools of the trade write it: a number where it is one byte, else hexadecimal. `None` where
    /// it is longer than any known kind, or for everybody.
    pub fn name(&self) -> Option<String> {
        let (bytes, len) = self.address;
        match bytes.get(..usize::from(len))? {
            [] => None,
            [byte] => Some(format!("{}:{byte}", self.network)),
            bytes => {
                let mut name = format!("{}:0x", self.network);
                for byte in bytes {
                    // Writing to a string cannot fail.
                    let _ = write!(name, "{byte:02x}");
                }
                Some(name)
            }
        }
    }
}

/// What is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Between routers: its kind and the rest.
    Message(u8, &'a [u8]),
    /// Between applications.
    Apdu(&'a [u8]),
}

/// A network layer message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Npdu<'a> {
    /// For whom, where not for the receiver.
    pub destination: Option<Station>,
    /// From whom, where not from the sender.
    pub source: Option<Station>,
    pub content: Content<'a>,
}

const VERSION: u8 = 1;
const IS_MESSAGE: u8 = 0x80;
const HAS_DESTINATION: u8 = 0x20;
const HAS_SOURCE: u8 = 0x08;
/// Bits that are always zero.
const RESERVED: u8 = 0x50;
/// Everybody on every network.
const ALL: u16 = 0xffff;
/// First kind that belongs to a maker, whose number follows.
const PROPRIETARY: u8 = 0x80;

impl<'a> Npdu<'a> {
    /// Reads the header.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (version, control) = bytes.u8_at(0).zip(bytes.u8_at(1)).ok_or(Malformed::Truncated)?;
        if version != VERSION || control & RESERVED != 0 {
            return Err(Malformed::BadVersion);
        }
        let mut at = 2_usize;
        let mut station = |wanted: bool| -> Result<Option<Station>, Malformed> {
            if !wanted {
                return Ok(None);
            }
            let network = bytes.be16(at).ok_or(Malformed::Truncated)?;
            let len = bytes.u8_at(at.saturating_add(2)).ok_or(Malformed::Truncated)?;
            let said = bytes.slice(at.saturating_add(3), usize::from(len)).ok_or(Malformed::Truncated)?;
            at = at.saturating_add(3).saturating_add(usize::from(len));
            let mut address = ([0; KEPT], len);
            for (kept, byte) in address.0.iter_mut().zip(said) {
                *kept = *byte;
            }
            Ok(Some(Station { network, address }))
        };
        let destination = station(control & HAS_DESTINATION != 0)?;
        let source = station(control & HAS_SOURCE != 0)?;
        if destination.is_some() {
            // Hop count.
            at = at.saturating_add(1);
        }
        let rest = bytes.tail(at);
        let first = rest.u8_at(0).ok_or(Malformed::Truncated)?;
        let content = match control & IS_MESSAGE {
            0 => Content::Apdu(rest),
            _ if first >= PROPRIETARY => Content::Message(first, rest.tail(3)),
            _ => Content::Message(first, rest.tail(1)),
        };
        Ok(Self { destination, source, content })
    }

    /// The network of the station behind the router, of either end.
    pub fn network(&self) -> Option<u32> {
        let station = self.source.or(self.destination)?;
        (station.network != ALL).then_some(u32::from(station.network))
    }
}

/// What routers tell each other, as a command.
pub(super) fn command(kind: u8, body: &[u8]) -> Command {
    let (action, direction, name) = match kind {
        0x00 => (Action::Discover, Direction::Request, "who-is-router-to-network"),
        0x01 => (Action::Discover, Direction::Notification, "i-am-router-to-network"),
        0x02 => (Action::Discover, Direction::Notification, "i-could-be-router-to-network"),
        0x03 => (Action::Other, Direction::Notification, "reject-message-to-network"),
        // Tells senders to hold back: believed as it comes.
        0x04 => (Action::Configure, Direction::Notification, "router-busy-to-network"),
        0x05 => (Action::Session, Direction::Notification, "router-available-to-network"),
        0x06 => (Action::Configure, Direction::Request, "initialize-routing-table"),
        0x07 => (Action::Configure, Direction::Response, "initialize-routing-table-ack"),
        0x08 => (Action::Configure, Direction::Request, "establish-connection-to-network"),
        0x09 => (Action::Configure, Direction::Request, "disconnect-connection-to-network"),
        0x0a..=0x11 => (Action::Auth, Direction::Notification, "security message"),
        0x12 => (Action::Discover, Direction::Request, "what-is-network-number"),
        0x13 => (Action::Discover, Direction::Notification, "network-number-is"),
        _ => (Action::Other, Direction::Notification, "network message"),
    };
    let networks = match kind {
        0x00..=0x02 | 0x04 | 0x05 => {
            let mut said = Text::default();
            for network in body.chunks_exact(2).take(8).filter_map(|pair| pair.be16(0)) {
                // Writing to a text cannot fail.
                let _ = write!(said, "{}{network}", if said.is_empty() { "network " } else { ", " });
            }
            (!said.is_empty()).then_some(said)
        }
        _ => None,
    };
    let code = 0x300 | u32::from(kind);
    Function::new(action, code, format_args!("network/{kind}"), name).command(direction).with_object(networks)
}
