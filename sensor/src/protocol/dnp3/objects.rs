//! Object headers (IEEE 1815 4.2.2.7) as far as they tell what a message is about: which controls, classes, files and
//! device attributes.

use crate::protocol::text::Text;
use std::fmt::Write as _;

use super::functions;
use crate::protocol::bytes::{Bytes, printable, text};
use crate::protocol::command::{Action, Status};
use crate::protocol::input::Side;
use crate::protocol::{Asset, AssetField, Event};

const ATTRIBUTES: u8 = 0;
const CONTROL_BLOCK: u8 = 12;
const ANALOG_OUTPUT: u8 = 41;
const TIME: u8 = 50;
const CLASS: u8 = 60;
const FILE: u8 = 70;
const INDICATIONS: u8 = 80;

/// A header and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objects<'a> {
    group: u8,
    variation: u8,
    /// Bytes of the index or size before each object.
    prefix: usize,
    /// The index of the first object, where a range tells it.
    start: Option<u32>,
    /// Objects that follow.
    count: u32,
    bytes: &'a [u8],
}

/// The header at the front.
pub fn first(bytes: &[u8]) -> Option<Objects<'_>> {
    let (group, variation, qualifier) = (bytes.u8_at(0)?, bytes.u8_at(1)?, bytes.u8_at(2)?);
    let prefix = match qualifier >> 4 & 7 {
        0 => 0,
        1 | 4 => 1,
        2 | 5 => 2,
        3 | 6 => 4,
        _ => return None,
    };
    let range = bytes.tail(3);
    let span = |from: u32, to: u32| to.checked_sub(from).map(|n| n.saturating_add(1));
    let (start, count, len) = match qualifier & 0x0f {
        0 => {
            let from = u32::from(range.u8_at(0)?);
            (Some(from), span(from, u32::from(range.u8_at(1)?))?, 2)
        }
        1 => {
            let from = u32::from(range.le16(0)?);
            (Some(from), span(from, u32::from(range.le16(2)?))?, 4)
        }
        2 => (Some(range.le32(0)?), span(range.le32(0)?, range.le32(4)?)?, 8),
        6 => (None, 0, 0),
        7 | 0x0b => (None, u32::from(range.u8_at(0)?), 1),
        8 => (None, u32::from(range.le16(0)?), 2),
        9 => (None, range.le32(0)?, 4),
        _ => return None,
    };
    Some(Objects { group, variation, prefix, start, count, bytes: range.tail(len) })
}

impl<'a> Objects<'a> {
    /// The index of the first object.
    fn index(&self) -> Option<u32> {
        self.start.or_else(|| match self.prefix {
            1 => self.bytes.u8_at(0).map(u32::from),
            2 => self.bytes.le16(0).map(u32::from),
            4 => self.bytes.le32(0),
            _ => None,
        })
    }

    /// The first object.
    fn object(&self) -> &'a [u8] {
        self.bytes.tail(self.prefix)
    }

    /// Bytes of one control, its status last.
    fn control_len(&self) -> Option<usize> {
        match (self.group, self.variation) {
            (CONTROL_BLOCK, 1) => Some(11),
            (ANALOG_OUTPUT, 1 | 3) => Some(5),
            (ANALOG_OUTPUT, 2) => Some(3),
            (ANALOG_OUTPUT, 4) => Some(9),
            _ => None,
        }
    }

    /// How the controls in a response fared: refused when none was done.
    pub fn outcome(&self) -> Option<Status> {
        let len = self.control_len()?;
        let step = len.saturating_add(self.prefix);
        let mut worst = None;
        for i in 0..usize::try_from(self.count).unwrap_or(0).min(256) {
            let at = i.saturating_mul(step).saturating_add(step).checked_sub(1)?;
            match functions::control(self.bytes.u8_at(at)?) {
                Status::Ok => return Some(Status::Ok),
                refused => worst = worst.or(Some(refused)),
            }
        }
        worst
    }

    /// What a write writes, or a file is opened for, changes what is done.
    pub fn action(&self, function: u8) -> Option<(&'static str, Action)> {
        match (function, self.group) {
            (functions::WRITE, TIME) => Some(("write time", Action::Configure)),
            (functions::WRITE, INDICATIONS) => Some(("clear restart indication", Action::Session)),
            (functions::WRITE, ATTRIBUTES | 34 | 85..=87) => Some(("write configuration", Action::Configure)),
            (functions::WRITE, FILE) => Some(("write file", Action::Program)),
            // Mode: 1 read, 2 write, 3 append.
            (functions::OPEN_FILE, FILE) if self.object().le16(20).is_some_and(|mode| mode >= 2) => {
                Some(("open file to write", Action::Program))
            }
            (functions::READ, ATTRIBUTES) => Some(("read device attributes", Action::Discover)),
            _ => None,
        }
    }

    /// `g12v1 index 100 latch on`, `class 0 1 2 3`, `file C:/temp/x.xml`.
    pub fn text(&self, all: &[u8]) -> Text {
        let mut said = Text::default();
        // Writing to a text cannot fail.
        let _ = match (self.group, self.variation) {
            (CLASS, _) => classes(all, &mut said),
            (FILE, 3) => write!(said, "file {}", printable(file_name(self.object()))),
            (group, variation) => write!(said, "g{group}v{variation}"),
        };
        let controls = self.control_len().is_some();
        if let Some(index) = self.index().filter(|_| controls) {
            let _ = write!(said, " index {index}");
        }
        if let (CONTROL_BLOCK, 1, Some(code)) = (self.group, self.variation, self.object().u8_at(0)) {
            let _ = write!(said, "{}", control_code(code));
        }
        if controls && self.count > 1 {
            let _ = write!(said, " and {} more", self.count.saturating_sub(1));
        }
        said
    }

    /// Facts in device attributes (group 0): a type, a length, the value.
    pub fn attributes(&self, side: Side, out: &mut Vec<Event>) {
        const STRING: u8 = 1;
        let field = match (self.group, self.variation) {
            (ATTRIBUTES, 242) => AssetField::Firmware,
            (ATTRIBUTES, 247) => AssetField::Name,
            (ATTRIBUTES, 248) => AssetField::Serial,
            (ATTRIBUTES, 250) => AssetField::Model,
            (ATTRIBUTES, 252) => AssetField::Vendor,
            _ => return,
        };
        let object = self.object();
        if let (Some(STRING), Some(len)) = (object.u8_at(0), object.u8_at(1))
            && let Some(value) = object.slice(2, usize::from(len))
        {
            let value = text(value);
            if !value.is_empty() {
                out.push(Event::Asset(Asset { side, field, value }));
            }
        }
    }

    /// What follows a single device attribute.
    pub fn after_attribute(&self) -> Option<&'a [u8]> {
        let object = self.object();
        let len = usize::from(object.u8_at(1).filter(|_| self.group == ATTRIBUTES)?);
        Some(object.tail(len.saturating_add(2)))
    }
}

/// The classes that a read asks for, one header each.
fn classes(mut bytes: &[u8], said: &mut Text) -> std::fmt::Result {
    said.write_str("class")?;
    while let &[CLASS, variation @ 1..=4, 6..=8, ref rest @ ..] = bytes {
        write!(said, " {}", variation.saturating_sub(1))?;
        let limited = match bytes.u8_at(2) {
            Some(7) => 1,
            Some(8) => 2,
            _ => 0,
        };
        bytes = rest.tail(limited);
        if said.len() > 64 {
            break;
        }
    }
    Ok(())
}

/// The name in a file command object: its offset and length first.
fn file_name(object: &[u8]) -> &[u8] {
    let (Some(offset), Some(len)) = (object.le16(0), object.le16(2)) else { return &[] };
    let name = object.tail(usize::from(offset));
    name.get(..usize::from(len)).unwrap_or(name)
}

const fn control_code(code: u8) -> &'static str {
    match (code & 0x0f, code >> 6) {
        (1, 1) => " close",
        (1, 2) => " trip",
        (1, _) => " pulse on",
        (2, _) => " pulse off",
        (3, _) => " latch on",
        (4, _) => " latch off",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing::hex;

    fn said(bytes: &str) -> String {
        let bytes = hex(bytes);
        first(&bytes).unwrap().text(&bytes).to_string()
    }

    #[test]
    fn controls_name_their_point_and_what_it_is_to_do() {
        assert_eq!(said("0c 01 28 0100 6400 03 01 64000000 64000000 00"), "g12v1 index 100 latch on");
        assert_eq!(said("0c 01 17 01 05 81 01 64000000 64000000 00"), "g12v1 index 5 trip");
        assert_eq!(said("29 02 17 02 05 0100 00 06 0200 00"), "g41v2 index 5 and 1 more");
    }

    #[test]
    fn classes_are_listed() {
        assert_eq!(said("3c 02 06 3c 03 06 3c 04 07 05 3c 01 06"), "class 1 2 3 0");
    }

    #[test]
    fn a_control_is_refused_when_none_was_done() {
        let bytes = hex("29 02 17 02 05 0100 04 06 0200 09");
        assert_eq!(first(&bytes).unwrap().outcome(), Some(Status::Refused(4, "not supported")));
        let bytes = hex("29 02 17 02 05 0100 04 06 0200 00");
        assert_eq!(first(&bytes).unwrap().outcome(), Some(Status::Ok));
    }

    #[test]
    fn ranges_that_run_backwards_are_no_header() {
        assert_eq!(first(&hex("0102 00 05 04")), None);
        assert_eq!(first(&hex("0102 05")), None);
    }
}
