//! Blocks: what is set, asked for and stated.

use std::net::Ipv4Addr;

use crate::protocol::Malformed;
use crate::protocol::bytes::{Bytes as _, text};

/// More than any frame carries that is meant seriously.
const MAX_BLOCKS: usize = 64;

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub option: u8,
    pub suboption: u8,
    /// Qualifier of a set, information word of an answer; else zero.
    pub word: u16,
    pub data: &'a [u8],
}

/// How blocks of a message are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Option and suboption alone.
    Wanted,
    /// A filter: data alone.
    Plain,
    /// A set: a qualifier before the data.
    Qualified,
    /// An answer: an information word before the data.
    Informed,
}

/// Reads blocks; of a cut frame, those that are whole.
pub(super) fn read(mut bytes: &[u8], kind: Kind, truncated: bool) -> Result<Vec<Block<'_>>, Malformed> {
    let mut blocks = Vec::new();
    while let (Some(option), Some(suboption)) = (bytes.u8_at(0), bytes.u8_at(1)) {
        if blocks.len() >= MAX_BLOCKS {
            return Err(Malformed::BadLength);
        }
        if kind == Kind::Wanted {
            blocks.push(Block { option, suboption, word: 0, data: &[] });
            bytes = bytes.tail(2);
            continue;
        }
        let data = bytes.be16(2).and_then(|length| bytes.slice(4, usize::from(length)));
        let Some(data) = data else {
            return if truncated { Ok(blocks) } else { Err(Malformed::BadLength) };
        };
        // Control/response has no information word; its three bytes say what is answered and how.
        let worded = matches!(kind, Kind::Qualified | Kind::Informed) && (option, suboption) != RESPONSE;
        let (word, body) = if worded { (data.be16(0).unwrap_or(0), data.tail(2)) } else { (0, data) };
        blocks.push(Block { option, suboption, word, data: body });
        let padded = data.len().saturating_add(data.len() & 1);
        bytes = bytes.tail(padded.saturating_add(4));
    }
    Ok(blocks)
}

const RESPONSE: (u8, u8) = (5, 4);

impl Block<'_> {
    /// The IP address in a block that holds one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        let ip =
            self.data.be32(0).filter(|ip| *ip != 0 && matches!((self.option, self.suboption), (1, 2 | 3)));
        ip.map(Ipv4Addr::from)
    }

    /// Of a response block: option and suboption it answers, and the error.
    pub fn answer(&self) -> Option<(u8, u8, u8)> {
        if (self.option, self.suboption) != RESPONSE {
            return None;
        }
        Some((self.data.u8_at(0)?, self.data.u8_at(1)?, self.data.u8_at(2)?))
    }

    /// What it sets (`value`) or asks for, in words.
    pub fn describe(&self, value: bool) -> String {
        let name = name(self.option, self.suboption);
        match (self.option, self.suboption, self.data) {
            (1, 2, data) if value => {
                let part = |at| data.be32(at).map(Ipv4Addr::from);
                match (part(0), part(4), part(8)) {
                    (Some(ip), Some(mask), Some(gateway)) => {
                        format!("{ip} mask {mask} gateway {gateway}{}", self.keeping())
                    }
                    _ => name,
                }
            }
            (2, 2, []) => name,
            (2, 2, data) => format!("{name} {}{}", text(data), if value { self.keeping() } else { "" }),
            (5, 6, _) if value => format!("{name} {}", reset_mode(self.word)),
            _ => name,
        }
    }

    const fn keeping(&self) -> &'static str {
        if self.word & 1 != 0 { ", permanent" } else { ", until restart" }
    }
}

/// The name of an option.
fn name(option: u8, suboption: u8) -> String {
    let name = match (option, suboption) {
        (1, 1) => "mac address",
        (1, 2) => "ip",
        (1, 3) => "ip suite",
        (2, 1) => "type of station",
        (2, 2) => "name of station",
        (2, 3) => "device id",
        (2, 4) => "device role",
        (2, 5) => "device options",
        (2, 6) => "alias name",
        (2, 7) => "device instance",
        (2, 8) => "oem device id",
        (3, _) => "dhcp",
        (5, 1) => "start of transaction",
        (5, 2) => "end of transaction",
        (5, 3) => "signal",
        (5, 5) => "factory reset",
        (5, 6) => "reset to factory",
        (6, 1) => "device initiative",
        (0xff, 0xff) => "all",
        _ => return format!("option {option}/{suboption}"),
    };
    name.to_owned()
}

/// What is reset (qualifier of reset to factory, without its lowest bit).
const fn reset_mode(qualifier: u16) -> &'static str {
    match qualifier >> 1 {
        1 => "application data",
        2 => "communication parameters",
        3 => "engineering parameters",
        4 => "all stored data",
        8 => "device",
        9 => "device and stored software",
        _ => "in a mode of the maker",
    }
}

/// Why a block was refused.
pub(super) const fn error(code: u8) -> &'static str {
    match code {
        1 => "option not supported",
        2 => "suboption not supported or no data set",
        3 => "suboption not set",
        4 => "resource error",
        5 => "not possible by local reasons",
        6 => "in operation, not possible",
        _ => "unknown error",
    }
}

/// Roles of a device, one bit each.
pub(super) fn roles(bits: u8) -> Box<str> {
    let names = [(1, "io device"), (2, "io controller"), (4, "io multidevice"), (8, "io supervisor")];
    let named: Vec<&str> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    named.join(", ").into()
}

/// Makers by their PROFINET vendor id, those read in public device descriptions.
pub(super) const fn vendor(id: u16) -> Option<&'static str> {
    Some(match id {
        0x002a => "Siemens",
        0x00b0 => "Phoenix Contact",
        _ => return None,
    })
}
