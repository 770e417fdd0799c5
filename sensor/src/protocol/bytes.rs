//! Bounded reads for decoders: every one returns `None` past the end, none can panic.

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

/// Text from the wire: printable ASCII, trimmed, at most 128 bytes; anything else becomes `.`.
pub fn text(bytes: &[u8]) -> Box<str> {
    let clean: String = bytes
        .iter()
        .take(128)
        .take_while(|b| **b != 0)
        .map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' })
        .collect();
    clean.trim().into()
}
