//! Tagged values (clause 20.2): a tag number, whether it is an application's or the context's, and as many bytes.

use crate::protocol::bytes::Bytes as _;

/// What a tag says of the bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    /// A value of an application type: its number and content.
    Application(u8, &'a [u8]),
    /// A value whose place in the service gives it its meaning.
    Context(u8, &'a [u8]),
    /// Begins a group.
    Open(u8),
    /// Ends it.
    Close(u8),
}

/// Application tags used here.
pub(super) const UNSIGNED: u8 = 2;
pub(super) const TEXT: u8 = 7;
pub(super) const ENUMERATED: u8 = 9;
pub(super) const OBJECT: u8 = 12;
const BOOLEAN: u8 = 1;

/// The tag at the front and what follows it.
pub(super) fn tag(bytes: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    let first = bytes.u8_at(0)?;
    let mut at = 1_usize;
    let number = match first >> 4 {
        0x0f => {
            at = 2;
            bytes.u8_at(1)?
        }
        number => number,
    };
    let context = first & 8 != 0;
    let len = match first & 7 {
        6 if context => return Some((Tag::Open(number), bytes.tail(at))),
        7 if context => return Some((Tag::Close(number), bytes.tail(at))),
        // The value of a boolean stands in the tag.
        _ if !context && number == BOOLEAN => 0,
        5 => {
            let short = bytes.u8_at(at)?;
            at = at.checked_add(1)?;
            match short {
                254 => {
                    let len = bytes.be16(at)?;
                    at = at.checked_add(2)?;
                    usize::from(len)
                }
                255 => {
                    let len = bytes.be32(at)?;
                    at = at.checked_add(4)?;
                    usize::try_from(len).ok()?
                }
                short => usize::from(short),
            }
        }
        len => usize::from(len),
    };
    let content = bytes.slice(at, len)?;
    let rest = bytes.tail(at.checked_add(len)?);
    Some((if context { Tag::Context(number, content) } else { Tag::Application(number, content) }, rest))
}

/// The tags of a service, up to the first that cannot be read.
pub(super) fn tags(bytes: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (tag, after) = tag(rest)?;
        rest = after;
        Some(tag)
    })
}

/// An unsigned or enumerated value.
pub(super) fn number(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content.len() > 4 {
        return None;
    }
    Some(content.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
}

/// A character string: its first byte says how it is written. Only UTF-8 and UCS-2 are in use.
pub(super) fn string(content: &[u8]) -> Option<Box<str>> {
    let (encoding, bytes) = content.split_first()?;
    match encoding {
        0 => Some(crate::protocol::bytes::text(bytes)),
        4 => {
            let narrow: Vec<u8> = bytes
                .chunks_exact(2)
                .map(|pair| match pair {
                    [0, low] => *low,
                    _ => b'.',
                })
                .collect();
            Some(crate::protocol::bytes::text(&narrow))
        }
        _ => None,
    }
}
