//! Blocks: type, length, version, content; in network order.

use super::fact;
use crate::protocol::bytes::Bytes as _;
use crate::protocol::command::Action;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event, Side};

/// Operations of the device's and the controller's interface.
pub(super) const CONNECT: u16 = 0;
pub(super) const READ: u16 = 2;

const AR: u16 = 0x0101;
const WRITE_REQUEST: u16 = 0x0008;
const READ_REQUEST: u16 = 0x0009;
const WRITE_RESPONSE: u16 = 0x8008;
const READ_RESPONSE: u16 = 0x8009;
const IDENTIFICATION_0: u16 = 0x0020;
/// Several writes at once.
const MULTIPLE_WRITE: u16 = 0xe040;
/// Blocks looked at in one message.
const MAX_BLOCKS: usize = 64;

/// Type and content (behind the version) of each block. Blocks behind a cut one are not seen.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (kind, length) = rest.be16(0).zip(rest.be16(2))?;
        // The length counts the version too.
        let content = rest.slice(6, usize::from(length).checked_sub(2)?)?;
        rest = rest.tail(usize::from(length).checked_add(4)?);
        Some((kind, content))
    })
    .take(MAX_BLOCKS)
}

/// An operation: what it does, its name and what it is about.
pub(super) fn operation(number: u16, body: &[u8]) -> (Action, &'static str, Option<Text>) {
    match number {
        CONNECT => (Action::Session, "connect", relation(body)),
        1 => (Action::Session, "release", None),
        READ | 5 => {
            let record = record(body, &[READ_REQUEST, READ_RESPONSE]);
            let identifies = record.as_ref().is_some_and(|(index, _)| is_identification(*index));
            let action = if identifies { Action::Discover } else { Action::Read };
            (action, if number == READ { "read" } else { "read implicit" }, record.map(|(_, record)| record))
        }
        3 => {
            let record = record(body, &[WRITE_REQUEST, WRITE_RESPONSE]);
            (Action::Configure, "write", record.map(|(_, record)| record))
        }
        4 => {
            let what = blocks(body).find_map(|(kind, _)| control(kind & 0x7fff));
            (Action::Session, "control", what.map(Into::into))
        }
        _ => (Action::Other, "profinet operation", None),
    }
}

/// Who calls, and as what.
fn relation(body: &[u8]) -> Option<Text> {
    let content = blocks(body).find(|(kind, _)| *kind == AR)?.1;
    let kind = relation_kind(content.be16(0)?);
    let station = station(content);
    match station {
        Some(name) => Some(format_args!("{kind} {}", crate::protocol::bytes::printable(name)).into()),
        None => Some(kind.into()),
    }
}

/// Name of the station in an AR block: its length stands behind type, UUIDs, MAC, properties, timeout and port.
fn station(content: &[u8]) -> Option<&[u8]> {
    content.slice(52, usize::from(content.be16(50)?))
}

const fn relation_kind(kind: u16) -> &'static str {
    match kind {
        1 => "io controller",
        3 => "io controller via cir",
        4 => "io controller redundant",
        6 => "io supervisor",
        0x10 => "io controller isochronous",
        0x20 => "io system redundancy",
        _ => "unknown relation",
    }
}

/// What a connect says of its sender.
pub(super) fn caller(body: &[u8], side: Side, out: &mut Vec<Event>) {
    let Some((_, content)) = blocks(body).find(|(kind, _)| *kind == AR) else { return };
    if let Some(name) = station(content) {
        fact(AssetField::Name, name, side, out);
    }
    if let Some(kind) = content.be16(0) {
        let value = relation_kind(kind).into();
        out.push(Event::Asset(Asset { side, field: AssetField::Role, value }));
    }
}

/// Index and place of the record that is read or written.
fn record(body: &[u8], kinds: &[u16]) -> Option<(u16, Text)> {
    let (_, content) = blocks(body).find(|(kind, _)| kinds.contains(kind))?;
    // Sequence, relation, application, slot, subslot, padding, index, length.
    let (slot, subslot) = content.be16(22).zip(content.be16(24))?;
    let index = content.be16(28)?;
    let name = match index {
        MULTIPLE_WRITE => {
            let bytes = content.be32(30)?;
            return Some((index, format_args!("several records, {bytes} bytes").into()));
        }
        0xaff0 => " (identification 0)",
        0xaff1 => " (identification 1: tags)",
        0xaff2 => " (identification 2: date)",
        0xaff3 => " (identification 3: description)",
        0xf841 => " (physical device)",
        0x8080 => " (ports)",
        _ => "",
    };
    Some((index, format_args!("slot {slot:#x}/{subslot:#x} index {index:#x}{name}").into()))
}

const fn is_identification(index: u16) -> bool {
    matches!(index, 0xaff0..=0xafff)
}

/// What a control says, by its block.
const fn control(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0110 => "parameter end",
        0x0111 => "parameter end after plug",
        0x0112 => "application ready",
        0x0113 => "application ready after plug",
        0x0114 => "release",
        0x0116 => "ready for companion",
        0x0117 => "ready for rt class 3",
        0x0118 => "parameter begin",
        _ => return None,
    })
}

/// Identification record 0: vendor 2, order number 20, serial number 16, hardware 2, software 4.
pub(super) fn identification(body: &[u8], side: Side, out: &mut Vec<Event>) {
    let Some((_, content)) = blocks(body).find(|(kind, _)| *kind == IDENTIFICATION_0) else { return };
    fact(AssetField::Model, content.slice(2, 20).unwrap_or_default(), side, out);
    fact(AssetField::Serial, content.slice(22, 16).unwrap_or_default(), side, out);
    if let Some([prefix, a, b, c]) = content.slice(40, 4).and_then(|v| <[u8; 4]>::try_from(v).ok())
        && prefix.is_ascii_uppercase()
    {
        let value = format!("{}{a}.{b}.{c}", char::from(prefix)).into();
        out.push(Event::Asset(Asset { side, field: AssetField::Firmware, value }));
    }
}

/// Why it was refused: by the error code in the status' upper byte.
pub(super) const fn error(status: u32) -> &'static str {
    match status >> 24 {
        0x81 => "pnio error",
        0xcf => "rta error",
        0xda => "alarm ack error",
        0xdb => "connect error",
        0xdc => "release error",
        0xdd => "control error",
        0xde => "read error",
        0xdf => "write error",
        _ => "error",
    }
}
