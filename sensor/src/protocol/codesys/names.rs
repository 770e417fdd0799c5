//! The name service of version 3: who is there. Layouts as in two public implementations that agree, an nmap script (`codesys3`) and
//! Microsoft's ics-forensics-tools.

use super::Told;
use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::command::{Action, Function};
use crate::protocol::{Asset, AssetField, Event, Side};

const RESOLVE_NAME: u16 = 0xc201;
const RESOLVE_ADDRESS: u16 = 0xc202;
const RESOLVE_GATEWAY: u16 = 0xc203;
const IDENTIFICATION: u16 = 0xc280;

/// The longest name, in characters.
const MOST: u16 = 256;

/// Whether this is a message of the name service, of a version that was met.
pub(super) fn is_known(payload: &[u8]) -> bool {
    matches!(payload.le16(0), Some(RESOLVE_NAME | RESOLVE_ADDRESS | RESOLVE_GATEWAY | IDENTIFICATION))
        && matches!(payload.le16(2), Some(0x0103 | 0x0400))
}

/// Reads one message.
pub(super) fn read(payload: &[u8]) -> Option<Told> {
    let kind = payload.le16(0)?;
    let name = match kind {
        RESOLVE_NAME => "resolve name",
        RESOLVE_ADDRESS => "search nodes",
        RESOLVE_GATEWAY => "resolve gateway",
        IDENTIFICATION => "identification",
        _ => "name service",
    };
    let function = Function::new(Action::Discover, u32::from(kind), format_args!("0x{kind:04x}"), name);
    Some(Told { function, object: None, result: None })
}

/// Tells what a node says of itself.
pub(super) fn facts(payload: &[u8], side: Side, out: &mut Vec<Event>) {
    if payload.le16(0) == Some(IDENTIFICATION) {
        identified(payload, side, out);
    }
}

/// 48 bytes, then the parent's address and names in UTF-16, each with a zero behind it.
fn identified(payload: &[u8], side: Side, out: &mut Vec<Event>) -> Option<()> {
    const NAMES_AT: usize = 48;
    let lengths = [payload.le16(14)?, payload.le16(16)?, payload.le16(18)?];
    let version: [u8; 4] = payload.slice(28, 4)?.try_into().ok()?;
    let serial = usize::from(payload.u8_at(36)?);
    let mut at = NAMES_AT.saturating_add(usize::from(payload.le16(12)?));
    let mut fact = |field, value: Box<str>| {
        if !value.is_empty() {
            out.push(Event::Asset(Asset { side, field, value }));
        }
    };
    for (field, length) in [AssetField::Name, AssetField::Model, AssetField::Vendor].into_iter().zip(lengths)
    {
        let len = usize::from(length.min(MOST)).saturating_mul(2);
        fact(field, narrow(payload.slice(at, len)?));
        at = at.saturating_add(len).saturating_add(2);
    }
    let [build, patch, minor, major] = version;
    fact(AssetField::Firmware, format!("{major}.{minor}.{patch}.{build}").into());
    fact(AssetField::Serial, text(payload.slice(at, serial)?));
    Some(())
}

/// UTF-16 as far as it is ASCII.
fn narrow(bytes: &[u8]) -> Box<str> {
    let narrow: Vec<u8> = bytes
        .chunks_exact(2)
        .map(|pair| match pair {
            [byte, 0] => *byte,
            _ => b'?',
        })
        .collect();
    text(&narrow)
}
