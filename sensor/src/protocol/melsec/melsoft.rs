//! Frames of the maker's engineering tools (GX Works). They are not published; the layout was told from captures of an FX5U
//! (ITI/ICS-Security-Tools, `pcaps/MELSEC`):
//!
//! ```text
//!  0    1     2                          19       21   22                      45        47       49
//! +----+-----+--------------------------+--------+----+-----------------------+---------+--------+---+------
//! | 57 | 00… | access route …           | length | 1c | …                     | command | number | 0 | data …   request
//! | d7 | 00… | access route …           | length | 9c | …  43: end code …     | 47: command, number, 0 | data …  response
//! +----+-----+--------------------------+--------+----+-----------------------+---------+--------+---+------
//! ```
//!
//! Lengths, numbers and end codes are little endian, the command is written as it stands. Its groups are those of SLMP (0x10 modes, 0x14 writes,
//! 0x18 files). `5a` and `da` look for controllers on the same wire: four bytes, answered by fourteen or more.

use super::{Message, Said, commands};
use crate::protocol::Malformed;
use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::command::{Action, Function};
use crate::protocol::framing::Front;
use crate::protocol::text::Text;

const REQUEST: u8 = 0x57;
const RESPONSE: u8 = 0xd7;
const SEARCH: u8 = 0x5a;
const FOUND: u8 = 0xda;
const LENGTH_AT: usize = 19;
const BODY_AT: usize = 21;
/// A body up to the number of a request; that of a response is not shorter.
const LEAST: u16 = 30;
const MOST: u16 = 8192;

pub(super) fn front(bytes: &[u8]) -> Front {
    match bytes.first() {
        Some(&SEARCH) => bytes.slice(0, 4).map_or(Front::Short, |_| Front::Frame(4)),
        // No length: the datagram is the message.
        Some(&FOUND) if bytes.len() >= 6 => Front::Frame(bytes.len()),
        Some(&(REQUEST | RESPONSE)) => {
            let Some(length) = bytes.le16(LENGTH_AT) else { return Front::Short };
            if (LEAST..=MOST).contains(&length) {
                Front::Frame(usize::from(length).saturating_add(BODY_AT))
            } else {
                Front::Bad(Malformed::BadLength)
            }
        }
        Some(_) => Front::Bad(Malformed::BadVersion),
        None => Front::Short,
    }
}

/// The bytes that all frames seen have in common.
pub(super) fn begins(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(&SEARCH) => bytes.len() == 4 && bytes.le16(1) == Some(0),
        Some(&FOUND) => bytes.le16(1) == Some(0) && (14..=64).contains(&bytes.len()),
        Some(&first @ (REQUEST | RESPONSE)) => {
            let kind = if first == REQUEST { 0x1c } else { 0x9c };
            bytes.u8_at(1).is_some_and(|second| second <= 1)
                && bytes.slice(4, 3) == Some(&[0, 0x11, 0x11])
                && bytes.u8_at(BODY_AT) == Some(kind)
                && bytes.u8_at(24) == Some(0x14)
        }
        _ => false,
    }
}

/// Whether there are but a few bytes to go by.
pub(super) fn is_short(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(SEARCH | FOUND)))
}

pub(super) fn message(frame: &[u8]) -> Option<Message> {
    match *frame.first()? {
        SEARCH => {
            let kind = frame.u8_at(3)?;
            Some(Message { serial: None, said: Said::Request { function: search(kind), object: None } })
        }
        FOUND => {
            let function = Some(search(frame.u8_at(3)?));
            Some(Message { serial: None, said: Said::Response { end: 0, function, model: None } })
        }
        REQUEST => {
            let code = frame.be16(45)?;
            let function = function(code);
            Some(Message {
                serial: frame.le16(47),
                said: Said::Request { function, object: file(frame.tail(51)) },
            })
        }
        RESPONSE => {
            let (end, code) = (frame.le16(43)?, frame.be16(47)?);
            let model = frame.slice(53, 16).map(text);
            let said = Said::Response { end, function: Some(function(code)), model };
            Some(Message { serial: frame.le16(49), said })
        }
        _ => None,
    }
}

fn search(kind: u8) -> Function {
    Function::new(
        Action::Discover,
        0x5a00 | u32::from(kind),
        format_args!("0x5a/{kind}"),
        "search controller",
    )
}

/// A command: those of SLMP keep their meaning, the others are named where captures show what they do.
fn function(code: u16) -> Function {
    let (action, name) = match code {
        0x0121 => (Action::Discover, "read type name"),
        0x01a0 => (Action::Session, "possible session check"),
        0x0410 | 0x0411 | 0x0413 => (Action::Read, "device read"),
        0x0701 => (Action::Read, "possible clock read"),
        0x0b00..=0x0bff => (Action::Read, "possible diagnosis"),
        0x1410 | 0x1411 => (Action::Write, "device write"),
        0x1859 => (Action::Discover, "read directory"),
        0x185f => (Action::Discover, "search file"),
        0x1867 => (Action::Session, "open file"),
        0x1868 => (Action::ReadProgram, "read file"),
        0x1869 => (Action::Program, "write file"),
        0x186a => (Action::Session, "close file"),
        0x187e => (Action::Discover, "possible file information"),
        0x18a0 => (Action::Discover, "possible memory information"),
        _ => return commands::function(code),
    };
    Function::new(action, u32::from(code), format_args!("0x{code:04x}"), name)
}

/// The last path in a request about files: UTF-16, from a `$` on.
fn file(data: &[u8]) -> Option<Text> {
    const MOST_CHARACTERS: usize = 120;
    let at = data
        .windows(4)
        .position(|four| matches!(four, [b'$', 0, letter, 0] if letter.is_ascii_uppercase()))?;
    let path: Vec<u8> = data
        .tail(at)
        .chunks_exact(2)
        .map_while(|pair| match pair {
            [byte, 0] if (b' '..=b'~').contains(byte) => Some(*byte),
            _ => None,
        })
        .take(MOST_CHARACTERS)
        .collect();
    Some(text(&path).into())
}
