//! 3E and 4E frames, binary and ASCII.

use super::{Message, Said, commands};
use crate::protocol::Malformed;
use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::framing::Front;
use crate::protocol::text::Text;

/// Network, station, module of multi-CPU systems, unit.
const ACCESS_ROUTE: usize = 5;
/// More bytes than any frame has behind its length.
const MOST: u16 = 8192;

/// How a frame is written, and where things stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    ascii: bool,
    response: bool,
    /// 4E frames are numbered.
    serial: Option<u16>,
    /// Where the access route stands.
    route_at: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let ascii = matches!(bytes.first(), Some(b'5' | b'D'));
        let subheader = if ascii { digits(bytes, 0)? } else { bytes.be16(0)? };
        let (response, numbered) = match subheader {
            0x5000 => (false, false),
            0xd000 => (true, false),
            0x5400 => (false, true),
            0xd400 => (true, true),
            _ => return None,
        };
        let serial = match (numbered, ascii) {
            (false, _) => None,
            (true, true) => Some(digits(bytes, 4)?),
            (true, false) => Some(bytes.le16(2)?),
        };
        let route_at = match (numbered, ascii) {
            (false, false) => 2,
            (true, false) => 6,
            (false, true) => 4,
            (true, true) => 12,
        };
        Some(Self { ascii, response, serial, route_at })
    }

    const fn length_at(self) -> usize {
        let route = if self.ascii { ACCESS_ROUTE.saturating_mul(2) } else { ACCESS_ROUTE };
        self.route_at.saturating_add(route)
    }

    /// Two bytes, or four digits, `field` fields behind the length.
    fn word(self, bytes: &[u8], field: usize) -> Option<u16> {
        let at = self.body_at().saturating_add(field.saturating_mul(if self.ascii { 4 } else { 2 }));
        if self.ascii { digits(bytes, at) } else { bytes.le16(at) }
    }

    const fn body_at(self) -> usize {
        self.length_at().saturating_add(if self.ascii { 4 } else { 2 })
    }

    fn length(self, bytes: &[u8]) -> Option<u16> {
        let at = self.length_at();
        if self.ascii { digits(bytes, at) } else { bytes.le16(at) }
    }
}

/// Four hexadecimal digits.
fn digits(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.slice(at, 4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What stands at the front of bytes that begin like one of these.
pub(super) fn front(bytes: &[u8]) -> Front {
    let begins: &[&[u8]] = &[b"\x50\0", b"\x54\0", b"\xd0\0", b"\xd4\0", b"5000", b"5400", b"D000", b"D400"];
    if !begins.iter().any(|begin| bytes.starts_with(begin)) {
        let may_become = begins.iter().any(|begin| begin.starts_with(bytes));
        return if may_become { Front::Short } else { Front::Bad(Malformed::BadVersion) };
    }
    // All up to the length is digits: what is none shows before more is waited for.
    let ascii = matches!(bytes.first(), Some(b'5' | b'D'));
    if ascii && !bytes.iter().take(18).all(u8::is_ascii_hexdigit) {
        return Front::Bad(Malformed::BadValue);
    }
    let Some((head, length)) = Head::read(bytes).and_then(|head| Some((head, head.length(bytes)?))) else {
        return Front::Short;
    };
    let least = match (head.response, head.ascii) {
        (true, false) => 2,
        (true, true) => 4,
        (false, false) => 6,
        (false, true) => 12,
    };
    if !(least..=MOST).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(head.body_at().saturating_add(usize::from(length)))
}

/// An access route that exists, and, of a request, a command that is known.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some(head) = Head::read(bytes) else { return false };
    let route = if head.ascii {
        let [a, b] = [digits(bytes, head.route_at), digits(bytes, head.route_at.saturating_add(4))];
        a.zip(b).map(|(place, module)| {
            let ([network, station], [high, _]) = (place.to_be_bytes(), module.to_be_bytes());
            (network, station, high)
        })
    } else {
        bytes.slice(head.route_at, ACCESS_ROUTE).and_then(|route| match route {
            [network, station, _, module, _] => Some((*network, *station, *module)),
            _ => None,
        })
    };
    // Network 0 to 239 or own, station 255 or a number, modules from 0x3d0 to 0x3ff.
    let sound =
        matches!(route, Some((network, station, 3)) if network <= 239 && (station <= 120 || station >= 125));
    let zeros = match (head.serial, head.ascii) {
        (None, _) => true,
        (Some(_), false) => bytes.le16(4) == Some(0),
        (Some(_), true) => digits(bytes, 8) == Some(0),
    };
    let known = || head.word(bytes, 1).is_some_and(|code| commands::known(code).is_some());
    sound && zeros && (head.response || known())
}

/// Whether it is an answer, of which less is known than of a request.
pub(super) fn is_answer(bytes: &[u8]) -> bool {
    Head::read(bytes).is_some_and(|head| head.response)
}

/// Reads a frame, whole or cut.
pub(super) fn message(frame: &[u8]) -> Option<Message> {
    let head = Head::read(frame)?;
    let said = if head.response {
        let data = frame.tail(head.body_at().saturating_add(if head.ascii { 4 } else { 2 }));
        let model = data.slice(0, 16).map(text);
        Said::Response { end: head.word(frame, 0)?, function: None, model }
    } else {
        let (code, sub) = (head.word(frame, 1)?, head.word(frame, 2)?);
        let data = frame.tail(head.body_at().saturating_add(if head.ascii { 12 } else { 6 }));
        let object = if head.ascii { in_ascii(code, data) } else { in_binary(code, sub, data) };
        Said::Request { function: commands::function(code), object }
    };
    Some(Message { serial: head.serial, said })
}

/// What a binary request is about.
fn in_binary(code: u16, sub: u16, data: &[u8]) -> Option<Text> {
    match code {
        // Head device 3 bytes, its code, how many; the longer form of the iQ-R series has 4 and 2.
        0x0401 | 0x1401 if sub & 0x0002 == 0 => {
            let first = data.le32(0)? & 0x00ff_ffff;
            Some(devices(commands::device(data.u8_at(3)?), first, data.le16(4)?))
        }
        0x0401 | 0x1401 => {
            let device = data.le16(4).and_then(|code| u8::try_from(code).ok())?;
            Some(devices(commands::device(device), data.le32(0)?, data.le16(6)?))
        }
        0x1001 | 0x1003 => Some(forced(data.le16(0)?)),
        _ => None,
    }
}

/// What an ASCII request is about: device code of two letters, six digits, how many.
fn in_ascii(code: u16, data: &[u8]) -> Option<Text> {
    match code {
        0x0401 | 0x1401 => {
            let (name, number) = (text(data.slice(0, 2)?), text(data.slice(2, 6)?));
            let number = match number.trim_start_matches('0') {
                "" => "0",
                number => number,
            };
            Some(format_args!("{}{number} count {}", name.trim_end_matches('*'), digits(data, 8)?).into())
        }
        0x1001 | 0x1003 => Some(forced(digits(data, 0)?)),
        _ => None,
    }
}

fn devices((device, hexadecimal): (&str, bool), first: u32, count: u16) -> Text {
    if hexadecimal {
        format_args!("{device}{first:X} count {count}").into()
    } else {
        format_args!("{device}{first} count {count}").into()
    }
}

fn forced(mode: u16) -> Text {
    if mode == 3 { "forced".into() } else { "not forced".into() }
}
