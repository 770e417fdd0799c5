//! Paths of CIP messages (CIP volume 1, appendix C): which object a request is for, and on which way.

use crate::protocol::text::Text;
use std::fmt;

use super::classes;
use crate::protocol::bytes::{Bytes, printable};

/// What a path leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<'a> {
    /// The class of the object.
    pub class: Option<u32>,
    /// Its instance.
    pub instance: Option<u32>,
    /// One of its attributes.
    pub attribute: Option<u32>,
    /// The last device on the way: its port segment's link address, where that is a number (the slot of a rack).
    pub slot: Option<u8>,
    bytes: &'a [u8],
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'a> {
    Port(u16, &'a [u8]),
    Class(u32),
    Instance(u32),
    Member(u32),
    Attribute(u32),
    Symbol(&'a [u8]),
    Other,
}

/// The segments of a path; a segment nobody knows ends it.
#[derive(Clone, Copy, Debug)]
struct Segments<'a>(&'a [u8]);

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let bytes = self.0;
        let kind = bytes.u8_at(0)?;
        let (segment, len) = match kind >> 5 {
            0 => port(bytes, kind)?,
            1 => logical(bytes, kind)?,
            // Network segments: one byte of data, or a counted number of words.
            2 if kind & 0x10 == 0 => (Segment::Other, 2),
            2 => (Segment::Other, usize::from(bytes.u8_at(1)?).saturating_mul(2).saturating_add(2)),
            // The ANSI extended symbol, padded to an even length; otherwise words of data.
            4 if kind == 0x91 => {
                let len = usize::from(bytes.u8_at(1)?);
                (Segment::Symbol(bytes.slice(2, len)?), len.saturating_add(len & 1).saturating_add(2))
            }
            4 => (Segment::Other, usize::from(bytes.u8_at(1)?).saturating_mul(2).saturating_add(2)),
            _ => return None,
        };
        self.0 = bytes.tail(len);
        Some(segment)
    }
}

/// A port segment: the port, and the address on the link behind it.
fn port(bytes: &[u8], kind: u8) -> Option<(Segment<'_>, usize)> {
    let mut at: usize = 1;
    let len = if kind & 0x10 == 0 {
        1
    } else {
        at = at.saturating_add(1);
        usize::from(bytes.u8_at(1)?)
    };
    let mut port = u16::from(kind & 0x0f);
    if port == 15 {
        port = bytes.le16(at)?;
        at = at.saturating_add(2);
    }
    let address = bytes.slice(at, len)?;
    let end = at.saturating_add(len);
    Some((Segment::Port(port, address), end.saturating_add(end & 1)))
}

/// A logical segment: a class, an instance, a member …, in 8, 16 or 32 bits.
fn logical(bytes: &[u8], kind: u8) -> Option<(Segment<'_>, usize)> {
    if kind == 0x34 {
        // The electronic key: format and eight bytes.
        return Some((Segment::Other, 10));
    }
    let (value, len) = match kind & 3 {
        0 => (u32::from(bytes.u8_at(1)?), 2),
        1 => (u32::from(bytes.le16(2)?), 4),
        2 => (bytes.le32(2)?, 6),
        _ => return None,
    };
    let segment = match kind >> 2 & 7 {
        0 => Segment::Class(value),
        1 => Segment::Instance(value),
        2 => Segment::Member(value),
        4 => Segment::Attribute(value),
        _ => Segment::Other,
    };
    Some((segment, len))
}

impl<'a> Path<'a> {
    /// Reads a padded path.
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut path = Self { bytes, ..Self::default() };
        for segment in Segments(bytes) {
            match segment {
                // A path names the object that is meant first; what follows are its parts.
                Segment::Class(class) => path.class = path.class.or(Some(class)),
                Segment::Instance(instance) => path.instance = path.instance.or(Some(instance)),
                Segment::Attribute(attribute) => path.attribute = path.attribute.or(Some(attribute)),
                Segment::Port(_, [slot]) => path.slot = Some(*slot),
                Segment::Port(..) | Segment::Member(_) | Segment::Symbol(_) | Segment::Other => {}
            }
        }
        path
    }

    /// Whether a tag is named, by its name or by its symbol's number.
    pub fn is_tag(&self) -> bool {
        self.class == Some(classes::SYMBOL)
            || (self.class.is_none()
                && Segments(self.bytes).any(|segment| matches!(segment, Segment::Symbol(_))))
    }

    /// Whether there is a way to another device.
    pub fn is_routed(&self) -> bool {
        Segments(self.bytes).any(|segment| matches!(segment, Segment::Port(..)))
    }

    /// The path as text, at most 160 bytes: `Line1.Valve[3]`, `identity 1 attribute 2`, `1/0 message router 1`.
    pub fn text(&self) -> Option<Text> {
        const LONGEST: usize = 160;
        let text = Text::from(format_args!("{self}"));
        // What is printable is one byte a character.
        let text = text.get(..LONGEST).map_or(text.clone(), Text::copy);
        (!text.is_empty()).then_some(text)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named = false;
        for (i, segment) in Segments(self.bytes).enumerate() {
            let space = if i == 0 { "" } else { " " };
            match segment {
                Segment::Port(port, [slot]) => write!(f, "{space}{port}/{slot}")?,
                Segment::Port(port, address) => write!(f, "{space}{port}/{}", printable(address))?,
                Segment::Class(class) => match classes::name(class) {
                    Some(name) => write!(f, "{space}{name}")?,
                    None => write!(f, "{space}class {class:#04x}")?,
                },
                Segment::Instance(instance) => write!(f, "{space}{instance}")?,
                Segment::Member(member) => write!(f, "[{member}]")?,
                Segment::Attribute(attribute) => write!(f, "{space}attribute {attribute}")?,
                Segment::Symbol(name) => {
                    let dot = if named { "." } else { space };
                    named = true;
                    write!(f, "{dot}{}", printable(name))?;
                }
                Segment::Other => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_instance_and_attribute_in_every_width() {
        let path = Path::read(&[0x20, 0x8e, 0x24, 0x01]);
        assert_eq!((path.class, path.instance, path.attribute), (Some(0x8e), Some(1), None));
        assert_eq!(path.text().as_deref(), Some("class 0x8e 1"));
        let path = Path::read(&[0x21, 0, 0x6b, 0, 0x25, 0, 0x34, 0x12, 0x30, 3]);
        assert_eq!((path.class, path.instance, path.attribute), (Some(0x6b), Some(0x1234), Some(3)));
        assert_eq!(path.text().as_deref(), Some("symbol 4660 attribute 3"));
        assert!(path.is_tag());
    }

    #[test]
    fn a_tag_is_written_as_its_program_does() {
        let bytes = b"\x91\x05Line1\0\x91\x05Valve\0\x28\x03";
        let path = Path::read(bytes);
        assert_eq!(path.text().as_deref(), Some("Line1.Valve[3]"));
        assert!(path.is_tag() && !path.is_routed());
    }

    #[test]
    fn a_route_gives_the_slot() {
        let path = Path::read(&[0x01, 0x00, 0x20, 0x02, 0x24, 0x01]);
        assert_eq!((path.slot, path.class), (Some(0), Some(2)));
        assert_eq!(path.text().as_deref(), Some("1/0 message router 1"));
        let bytes = b"\x12\x0910.1.1.164";
        let path = Path::read(&bytes[..11]);
        assert_eq!(path.text().as_deref(), Some("2/10.1.1.16"));
        assert!(path.is_routed());
    }
}
