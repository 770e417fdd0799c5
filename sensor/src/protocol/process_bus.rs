//! What GOOSE and sampled values share: the header under their EtherTypes (IEC 61850-8-1 annex C, 61850-9-2 annex).
//!
//! ```text
//!  0       2        4            6            8
//! +-------+--------+------------+------------+------
//! | APPID | length | reserved 1 | reserved 2 | PDU …     length counts from the APPID
//! +-------+--------+------------+------------+------
//! ```

use super::Malformed;
use super::ber::{self, Element};
use super::bytes::Bytes as _;

/// Bytes of the header.
const HEADER: usize = 8;
/// The reserved bit that marks a frame of a test set (IEC 61850 edition 2).
const SIMULATED: u16 = 0x8000;

/// A frame cut into its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Tells applications apart.
    pub appid: u16,
    /// A test set sent it in place of the device.
    pub simulated: bool,
    /// The outermost element.
    pub pdu: Element<'a>,
}

/// Reads a frame whose PDU has `tag`; Ethernet's padding behind it is left alone.
pub fn frame(bytes: &[u8], tag: u8, truncated: bool) -> Result<Frame<'_>, Malformed> {
    let (appid, length) = bytes.be16(0).zip(bytes.be16(2)).ok_or(Malformed::Truncated)?;
    let reserved = bytes.be16(4).ok_or(Malformed::Truncated)?;
    let body = usize::from(length).checked_sub(HEADER).ok_or(Malformed::BadLength)?;
    let body = match bytes.slice(HEADER, body) {
        Some(body) => body,
        None if truncated => bytes.tail(HEADER),
        None => return Err(Malformed::BadLength),
    };
    let pdu = ber::element(body).ok_or(Malformed::BadLength)?;
    if pdu.tag != u32::from(tag) {
        return Err(Malformed::BadValue);
    }
    if !pdu.is_whole() && !truncated {
        return Err(Malformed::BadLength);
    }
    Ok(Frame { appid, simulated: reserved & SIMULATED != 0, pdu })
}

/// Streams of one connection by name, bounded: the one that joined first goes first.
#[derive(Debug)]
pub struct Streams<S> {
    known: Vec<(Box<[u8]>, S)>,
}

/// Streams remembered of one sender and one APPID. Real ones have one.
const MAX_STREAMS: usize = 16;

impl<S> Default for Streams<S> {
    fn default() -> Self {
        Self { known: Vec::new() }
    }
}

impl<S> Streams<S> {
    /// Replaces what is known of a stream; gives what was.
    pub fn replace(&mut self, name: &[u8], state: S) -> Option<S> {
        if let Some((_, known)) = self.known.iter_mut().find(|(known, _)| **known == *name) {
            return Some(std::mem::replace(known, state));
        }
        if self.known.len() >= MAX_STREAMS {
            self.known.remove(0);
        }
        self.known.push((name.into(), state));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_with_too_many_streams_is_not_remembered_without_limit() {
        let mut streams = Streams::default();
        for n in 0..100 {
            assert_eq!(streams.replace(n.to_string().as_bytes(), n), None);
        }
        assert_eq!(streams.known.len(), MAX_STREAMS);
        assert_eq!(streams.replace(b"99", 7), Some(99));
        assert_eq!(streams.replace(b"0", 7), None);
    }
}
