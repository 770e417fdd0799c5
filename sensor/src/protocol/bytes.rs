//! Bounded reads for decoders: every one returns `None` past the end, none can panic.

use super::text::Text;

/// Reads at fixed offsets, in either byte order.
pub trait Bytes {
    /// The byte at `at`.
    fn u8_at(&self, at: usize) -> Option<u8>;
    /// Two bytes, network order.
    fn be16(&self, at: usize) -> Option<u16>;
    /// Four bytes, network order.
    fn be32(&self, at: usize) -> Option<u32>;
    /// Two bytes, little endian.
    fn le16(&self, at: usize) -> Option<u16>;
    /// Four bytes, little endian.
    fn le32(&self, at: usize) -> Option<u32>;
    /// `len` bytes from `at`.
    fn slice(&self, at: usize, len: usize) -> Option<&[u8]>;
    /// All bytes from `at` on; empty past the end.
    fn tail(&self, at: usize) -> &[u8];
}

impl Bytes for [u8] {
    fn u8_at(&self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }

    fn be16(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(array(self, at)?))
    }

    fn be32(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(array(self, at)?))
    }

    fn le16(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(array(self, at)?))
    }

    fn le32(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(array(self, at)?))
    }

    fn slice(&self, at: usize, len: usize) -> Option<&[u8]> {
        self.get(at..at.checked_add(len)?)
    }

    fn tail(&self, at: usize) -> &[u8] {
        self.get(at..).unwrap_or_default()
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Text from the wire: printable ASCII, trimmed, at most 128 bytes; anything else becomes `.`. Written out, not allocated.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(&'a [u8]);

/// Text from the wire, to write out.
pub fn printable(bytes: &[u8]) -> Printable<'_> {
    let bytes = bytes.get(..128).unwrap_or(bytes);
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let from = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|byte| *byte != b' ').map_or(from, |last| last.saturating_add(1));
    Printable(bytes.get(from..to).unwrap_or_default())
}

impl Printable<'_> {
    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        let is_plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        if let (true, Ok(plain)) = (self.0.iter().all(is_plain), std::str::from_utf8(self.0)) {
            return f.write_str(plain);
        }
        self.0.iter().try_for_each(|byte| f.write_char(if is_plain(byte) { char::from(*byte) } else { '.' }))
    }
}

/// Text from the wire, as [`printable`] has it, for a command.
pub fn short(bytes: &[u8]) -> Text {
    format_args!("{}", printable(bytes)).into()
}

/// Text from the wire, as [`printable`] has it, to keep.
pub fn text(bytes: &[u8]) -> Box<str> {
    printable(bytes).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_a_zero_is_trimmed_and_shows_what_cannot_be_printed_as_dots() {
        for (bytes, expected) in [
            (&b"  CPU 315 \0junk"[..], "CPU 315"),
            (b"a\xff\nb", "a..b"),
            (b"   ", ""),
            (b"", ""),
            (b"\0x", ""),
            (b"\t x \t", ". x ."),
        ] {
            assert_eq!(&*text(bytes), expected);
            assert_eq!(short(bytes), expected);
        }
        assert_eq!(text(&[b'y'; 300]).len(), 128);
    }
}
