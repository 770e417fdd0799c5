//! Channels of version 3 and the services inside them.
//!
//! ```text
//!  0      1       2         4       8     12          16         20
//! +------+-------+---------+-------+-----+-----------+----------+------------
//! | kind | flags | channel | block | ack | remaining | checksum | service …        the last two in a first block only
//! +------+-------+---------+-------+-----+-----------+----------+------------
//!
//!  0          2        4       6         8         12        16
//! +----------+--------+-------+---------+---------+---------+--------
//! | protocol | header | group | command | session | content | tags …                little endian
//! +----------+--------+-------+---------+---------+---------+--------
//! ```
//!
//! A service stands at the start of its first block; what follows in others is its data. Tags have an id and a length, both in groups of
//! seven bits; those from 128 on hold tags.

use super::{Told, services};
use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::command::{Action, Function};
use crate::protocol::text::Text;

const BLOCK: u8 = 1;
const PLAIN: u16 = 0xcd55;
const SECURE: u16 = 0x7557;

/// A message of the channel manager.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub channel: u16,
    /// The service answers one; a channel message answers a channel message.
    pub answers: bool,
    pub told: Told,
}

/// Whether these bytes begin a message of the channel manager.
pub(super) fn is_known(payload: &[u8]) -> bool {
    match (payload.u8_at(0), payload.u8_at(1)) {
        (Some(BLOCK), Some(flags)) => flags & 0x7e == 0,
        (Some(2 | 3), Some(flags)) => flags & 0x7f == 0,
        (Some(0x83 | 0xc2..=0xc4), Some(_)) => matches!(payload.le16(2), Some(0x0101)),
        _ => false,
    }
}

/// Reads one message. `None`: an acknowledgement, a sign of life, or a block that goes on.
pub(super) fn read(payload: &[u8]) -> Option<Message> {
    let session = |code: u8, name, answers| {
        let function =
            Function::new(Action::Session, u32::from(code), format_args!("channel/0x{code:02x}"), name);
        Some(Message { channel: 0, answers, told: Told { function, object: None, result: None } })
    };
    match payload.u8_at(0)? {
        BLOCK if payload.u8_at(1)? & 1 != 0 => service(payload.le16(2)?, payload.tail(20)),
        0x83 => {
            let mut message = session(0xc3, "open channel", true)?;
            message.told.result = payload.le16(12);
            Some(message)
        }
        0xc2 => session(0xc2, "channel information", false),
        0xc3 => session(0xc3, "open channel", false),
        0xc4 => session(0xc4, "close channel", false),
        _ => None,
    }
}

fn service(channel: u16, bytes: &[u8]) -> Option<Message> {
    let protocol = bytes.le16(0)?;
    if protocol == SECURE {
        let function = Function::new(Action::Other, u32::from(SECURE), "0x7557", "encrypted service");
        let told = Told { function, object: Some("not observable".into()), result: None };
        return Some(Message { channel, answers: false, told });
    }
    if protocol != PLAIN {
        return None;
    }
    let (header, group, command) = (bytes.le16(2)?, bytes.le16(4)?, bytes.le16(6)?);
    let (answers, group) = (group & 0x80 != 0, group & 0x7f);
    let tags = Tags { rest: bytes.tail(usize::from(header).saturating_add(4)) };
    let function = services::function(group, command);
    let object = if answers { None } else { object(group, command, tags) };
    let result = if answers { result(group, command, tags) } else { None };
    Some(Message { channel, answers, told: Told { function, object, result } })
}

/// What a request names: an application, a file, a user, a line for the shell.
fn object(group: u16, command: u16, tags: Tags<'_>) -> Option<Text> {
    let inside = |outer, inner| tags.find(outer).and_then(|value| Tags { rest: value }.find(inner));
    match (group, command) {
        (services::DEVICE, 2) => inside(0x81, 0x10).map(|user| format_args!("user {}", text(user)).into()),
        (services::APPLICATION, 1..=8) => inside(0x81, 0x10).map(text).map(Text::from),
        (services::APPLICATION, 0x12) => {
            inside(0x81, 0x10).and_then(|value| value.le16(0)).map(|option| match option {
                0 => "warm".into(),
                1 => "cold".into(),
                2 => "origin".into(),
                _ => "origin of the device".into(),
            })
        }
        (services::FILES, _) => tags.find(1).or_else(|| tags.find(0x0b)).map(text).map(Text::from),
        (services::SHELL, 1) => tags.find(0x10).map(text).map(Text::from),
        _ => None,
    }
    .filter(|object| !object.is_empty())
}

/// How an answer says it fared.
fn result(group: u16, command: u16, tags: Tags<'_>) -> Option<u16> {
    let inside = |outer, inner| tags.find(outer).and_then(|value| Tags { rest: value }.find(inner));
    let value = match (group, command) {
        (services::DEVICE, 2) => inside(0x82, 0x20),
        (services::FILES, _) => inside(0x84, 8),
        (services::APPLICATION, 0x10..=0x12) => tags.find(1).filter(|value| value.len() == 2),
        _ => None,
    };
    value.and_then(|value| value.le16(0))
}

/// Tags in a row.
#[derive(Clone, Copy, Debug)]
struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Tags<'a> {
    /// The value of the first tag with this id.
    fn find(self, wanted: u32) -> Option<&'a [u8]> {
        const MOST_TAGS: usize = 64;
        self.take(MOST_TAGS).find(|(id, _)| *id == wanted).map(|(_, value)| value)
    }

    /// A number in groups of seven bits, the lowest first; more groups than it needs keep what follows aligned.
    fn number(&mut self) -> Option<u32> {
        let (mut number, mut shift) = (0_u32, 0_u32);
        loop {
            let byte = self.rest.u8_at(0)?;
            self.rest = self.rest.tail(1);
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift = shift.checked_add(7).filter(|shift| *shift < 32)?;
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, length) = (self.number()?, self.number()?);
        // A value that goes on in another block is told as far as it goes.
        let value = self.rest.get(..usize::try_from(length).ok()?).unwrap_or(self.rest);
        self.rest = self.rest.tail(value.len());
        Some((id, value))
    }
}
