//! PROFINET Discovery and basic Configuration Protocol (IEC 61158-6-10), under EtherType 0x8892.
//!
//! ```text
//!  0         2         3      4     8          10      12
//! +---------+---------+------+-----+----------+-------+-----------------------------------------
//! | FrameID | service | type | xid | delay, 0 | bytes | blocks: option, suboption, bytes 2, data
//! +---------+---------+------+-----+----------+-------+-----------------------------------------
//! FrameID: FEFC hello, FEFD get and set, FEFE identify, FEFF answer to identify
//! ```
//!
//! Blocks of a set begin with a qualifier (keep for good or not), those of answers with an information word; blocks stand
//! at even offsets. Identify goes to a group, its answers come from each device to the asker alone.

mod blocks;

use super::text::Text;
use std::net::Ipv4Addr;

use super::bytes::{Bytes, text};
use super::command::{Action, Direction, Function, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::{About, Asset, AssetField, Decode, Event, Malformed, Port, Spec};
use blocks::{Block, Kind};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "profinet-dcp",
    title: "PROFINET DCP",
    ports: &[Port::EtherType(ETHERTYPE)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Finds PROFINET devices below IP, names them, gives them addresses and resets them. Identify, hello, get and set \
            are named with their blocks; answers give name, maker, device id, role and IP address. A set of address or name \
            is Configure, factory reset and reset to factory are Control, a set of parameters that belong to the maker is \
            Configure. Cyclic data of the same EtherType is profinet-rt.",
};

/// EtherType of PROFINET.
pub const ETHERTYPE: u16 = 0x8892;
/// FrameIDs of DCP.
pub const FRAME_IDS: std::ops::RangeInclusive<u16> = 0xfefc..=0xfeff;
const HELLO: u16 = 0xfefc;
const GET_SET: u16 = 0xfefd;
const IDENTIFY: u16 = 0xfefe;
const IDENTIFIED: u16 = 0xfeff;
/// FrameID up to the bytes of the blocks.
const HEADER: usize = 12;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Get,
    Set,
    Identify,
    Hello,
}

/// A frame cut into its parts.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    service: Service,
    /// `None`: asks.
    outcome: Option<Outcome>,
    xid: u32,
    /// As much of the blocks as there is.
    blocks: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    NotSupported,
}

fn message(bytes: &[u8], truncated: bool) -> Result<Message<'_>, Malformed> {
    let frame_id = bytes.be16(0).ok_or(Malformed::Truncated)?;
    let (service, kind) = bytes.u8_at(2).zip(bytes.u8_at(3)).ok_or(Malformed::Truncated)?;
    let (service, frames): (_, &[u16]) = match service {
        3 => (Service::Get, &[GET_SET]),
        4 => (Service::Set, &[GET_SET]),
        // Asking one device alone is allowed to look like asking all.
        5 => (Service::Identify, &[IDENTIFY, IDENTIFIED]),
        6 => (Service::Hello, &[HELLO]),
        _ => return Err(Malformed::BadValue),
    };
    let outcome = match kind {
        0 => None,
        1 => Some(Outcome::Success),
        5 => Some(Outcome::NotSupported),
        _ => return Err(Malformed::BadValue),
    };
    if !frames.contains(&frame_id) {
        return Err(Malformed::BadValue);
    }
    let (xid, length) = bytes.be32(4).zip(bytes.be16(10)).ok_or(Malformed::Truncated)?;
    let body = bytes.tail(HEADER);
    match body.get(..usize::from(length)) {
        Some(blocks) => Ok(Message { service, outcome, xid, blocks }),
        None if truncated => Ok(Message { service, outcome, xid, blocks: body }),
        None => Err(Malformed::BadLength),
    }
}

/// Frames of this EtherType are all PROFINET: the FrameID says which part, service and type have to go with it.
fn probe(probe: Probe<'_>) -> Verdict {
    match message(probe.bytes, true) {
        _ if !probe.hinted => Verdict::No,
        Ok(_) => Verdict::Yes,
        Err(_) => Verdict::No,
    }
}

/// A pair of devices.
#[derive(Debug, Default)]
struct Decoder {
    /// By who asked and transaction: what was asked, and the address that was to be set.
    pending: Pending<(Side, u32), (Asked, Option<Ipv4Addr>)>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        match message(input.bytes, input.truncated) {
            Ok(message) => self.message(&message, input, out),
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn message(&mut self, message: &Message<'_>, input: Input<'_>, out: &mut Vec<Event>) {
        let kind = match (message.service, message.outcome) {
            (Service::Set, None) => Kind::Qualified,
            (Service::Get, None) => Kind::Wanted,
            (Service::Identify, None) => Kind::Plain,
            _ => Kind::Informed,
        };
        let blocks = match blocks::read(message.blocks, kind, input.truncated) {
            Ok(blocks) => blocks,
            Err(malformed) => return out.push(Event::Malformed(malformed)),
        };
        match message.outcome {
            None if message.service == Service::Hello => {
                out.push(Event::Command(function(Service::Hello, &blocks).command(Direction::Notification)));
                facts(&blocks, input.side, out);
            }
            None => {
                let function = function(message.service, &blocks);
                let object = object(&blocks, message.service);
                let command = function.clone().command(Direction::Request).with_object(object.clone());
                out.push(Event::Command(command));
                let given =
                    blocks.iter().find_map(Block::address).filter(|_| message.service == Service::Set);
                self.pending.insert((input.side, message.xid), ((function, object), given));
            }
            Some(outcome) => {
                let asked = self.pending.take(&(input.side.other(), message.xid));
                let (asked, given) = asked.unzip();
                let (function, object) = asked.unwrap_or_else(|| (answered(message.service, &blocks), None));
                let status = match outcome {
                    Outcome::NotSupported => Status::Refused(5, "service not supported"),
                    Outcome::Success => status(&blocks),
                };
                if let (Status::Ok, Some(address)) = (&status, given.flatten()) {
                    out.push(Event::About(About::Has { side: input.side, address: address.into() }));
                }
                let command = function.command(Direction::Response).with_status(status).with_object(object);
                out.push(Event::Command(command));
                if message.service != Service::Set {
                    facts(&blocks, input.side, out);
                }
            }
        }
    }
}

/// What is asked for. A set is called after the block that does most.
fn function(service: Service, blocks: &[Block<'_>]) -> Function {
    match service {
        Service::Get => Function::new(Action::Discover, 3, "3", "get"),
        Service::Identify => Function::new(Action::Discover, 5, "5", "identify"),
        Service::Hello => Function::new(Action::Discover, 6, "6", "hello"),
        Service::Set => blocks
            .iter()
            .map(|block| set(block.option, block.suboption))
            .max_by_key(|function| function.action)
            .unwrap_or_else(|| Function::new(Action::Other, 4, "4", "set")),
    }
}

/// What an answer alone says it answers: the answer to a set repeats the options.
fn answered(service: Service, blocks: &[Block<'_>]) -> Function {
    let answers: Vec<Block<'_>> = blocks
        .iter()
        .filter_map(|block| {
            let (option, suboption, _) = block.answer()?;
            Some(Block { option, suboption, word: 0, data: &[] })
        })
        .collect();
    function(service, &answers)
}

fn set(option: u8, suboption: u8) -> Function {
    let (action, name) = match (option, suboption) {
        (1, 2) => (Action::Configure, "set ip"),
        (1, 3) => (Action::Configure, "set ip suite"),
        (2, 2) => (Action::Configure, "set name of station"),
        (3, _) => (Action::Configure, "set dhcp"),
        // Marks where a bundle of sets begins and ends.
        (5, 1 | 2) => (Action::Session, "set transaction"),
        // A light blinks; nothing changes.
        (5, 3) => (Action::Other, "signal"),
        (5, 5) => (Action::Control, "factory reset"),
        (5, 6) => (Action::Control, "reset to factory"),
        _ => (Action::Configure, "set"),
    };
    let code = 4 << 16 | u32::from(option) << 8 | u32::from(suboption);
    Function::new(action, code, format_args!("4/{option}/{suboption}"), name)
}

/// Every block with what it sets or asks for.
fn object(blocks: &[Block<'_>], service: Service) -> Option<Text> {
    const MAX: usize = 128;
    let mut object = String::new();
    for block in blocks {
        let part = block.describe(service == Service::Set);
        if object.len().saturating_add(part.len()) > MAX {
            break;
        }
        if !object.is_empty() {
            object.push_str(", ");
        }
        object.push_str(&part);
    }
    (!object.is_empty()).then(|| object.into())
}

/// Refused where one block was.
fn status(blocks: &[Block<'_>]) -> Status {
    let refused = blocks.iter().filter_map(Block::answer).map(|(.., error)| error).find(|error| *error != 0);
    refused.map_or(Status::Ok, |error| Status::Refused(u32::from(error), blocks::error(error)))
}

/// What a device says about itself.
fn facts(blocks: &[Block<'_>], side: Side, out: &mut Vec<Event>) {
    let mut fact = |field, value: Box<str>| {
        if !value.is_empty() {
            out.push(Event::Asset(Asset { side, field, value }));
        }
    };
    for block in blocks {
        match (block.option, block.suboption) {
            (1, 2) => {
                if let Some(ip) = block.address() {
                    fact(AssetField::Address, ip.to_string().into());
                }
            }
            (2, 1) => fact(AssetField::Model, text(block.data)),
            (2, 2) => fact(AssetField::Name, text(block.data)),
            (2, 3) => {
                if let (Some(vendor), Some(device)) = (block.data.be16(0), block.data.be16(2)) {
                    fact(AssetField::Id, format!("vendor {vendor:#06x} device {device:#06x}").into());
                    if let Some(name) = blocks::vendor(vendor) {
                        fact(AssetField::Vendor, name.into());
                    }
                }
            }
            (2, 4) => fact(AssetField::Role, block.data.u8_at(0).map_or_else(Box::default, blocks::roles)),
            _ => {}
        }
    }
    // Two that have one address say so in their information word.
    for address in blocks.iter().filter(|block| block.word & CONFLICT == 0).filter_map(Block::address) {
        out.push(Event::About(About::Has { side, address: address.into() }));
    }
}

/// Another device has the address too.
const CONFLICT: u16 = 0x80;

#[cfg(test)]
mod tests;
