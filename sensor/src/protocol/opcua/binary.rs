//! The binary encoding (OPC 10000-6 5.2), as far as headers, identities and addresses need it.

use std::fmt;

use crate::protocol::bytes::{Bytes, printable};

/// Elements of an array that are looked at.
const MOST: u32 = 64;

/// Reads one value after another; `None` past the end.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a>(pub &'a [u8]);

/// The id of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId<'a> {
    /// Its namespace.
    pub namespace: u16,
    /// Its identifier there.
    pub identifier: Identifier<'a>,
}

/// The four kinds of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identifier<'a> {
    /// A number.
    Numeric(u32),
    /// A name.
    String(&'a [u8]),
    /// A GUID.
    Guid(&'a [u8]),
    /// Bytes of a server's own.
    Opaque(&'a [u8]),
}

impl NodeId<'_> {
    /// The number of a node of the standard's namespace.
    pub fn standard(&self) -> Option<u32> {
        match self.identifier {
            Identifier::Numeric(id) if self.namespace == 0 => Some(id),
            _ => None,
        }
    }
}

/// `ns=2;s=Tank.Level`, `i=2258` (OPC 10000-6 5.3.1.10).
impl fmt::Display for NodeId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace != 0 {
            write!(f, "ns={};", self.namespace)?;
        }
        match self.identifier {
            Identifier::Numeric(id) => write!(f, "i={id}"),
            Identifier::String(name) => write!(f, "s={}", printable(name)),
            Identifier::Guid(guid) => {
                let of = |at: usize| guid.le16(at).unwrap_or(0);
                write!(f, "g={:08x}-{:04x}-{:04x}-", guid.le32(0).unwrap_or(0), of(4), of(6))?;
                for (i, byte) in guid.tail(8).iter().enumerate() {
                    write!(f, "{}{byte:02x}", if i == 2 { "-" } else { "" })?;
                }
                Ok(())
            }
            Identifier::Opaque(bytes) => write!(f, "b ({} bytes)", bytes.len()),
        }
    }
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.u8_at(0)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2)?.le16(0)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.le32(0)
    }

    /// Passes over bytes.
    pub fn skip(&mut self, len: usize) -> Option<()> {
        self.take(len).map(|_| ())
    }

    /// A string or byte string; null is empty.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        match self.u32()? {
            u32::MAX => Some(&[]),
            len => self.take(usize::try_from(len).ok()?),
        }
    }

    /// The number of elements of an array; null is none. At most as many as anybody looks at.
    pub fn array(&mut self) -> Option<u32> {
        match self.u32()? {
            u32::MAX => Some(0),
            n => Some(n.min(MOST)),
        }
    }

    /// A node id.
    pub fn node_id(&mut self) -> Option<NodeId<'a>> {
        let kind = self.u8()?;
        self.node_id_of(kind & 0x3f)
    }

    fn node_id_of(&mut self, kind: u8) -> Option<NodeId<'a>> {
        let (namespace, identifier) = match kind {
            0 => (0, Identifier::Numeric(u32::from(self.u8()?))),
            1 => (u16::from(self.u8()?), Identifier::Numeric(u32::from(self.u16()?))),
            2 => (self.u16()?, Identifier::Numeric(self.u32()?)),
            3 => (self.u16()?, Identifier::String(self.string()?)),
            4 => (self.u16()?, Identifier::Guid(self.take(16)?)),
            5 => (self.u16()?, Identifier::Opaque(self.string()?)),
            _ => return None,
        };
        Some(NodeId { namespace, identifier })
    }

    /// The type of an extension object, and its body.
    pub fn extension(&mut self) -> Option<(NodeId<'a>, &'a [u8])> {
        let id = self.node_id()?;
        let body = match self.u8()? {
            0 => &[][..],
            1 | 2 => self.string()?,
            _ => return None,
        };
        Some((id, body))
    }

    /// A text with its locale; the text.
    pub fn localized_text(&mut self) -> Option<&'a [u8]> {
        let mask = self.u8()?;
        if mask & 1 != 0 {
            self.string()?;
        }
        if mask & 2 != 0 { self.string() } else { Some(&[]) }
    }

    /// Passes over a request header (OPC 10000-4 7.33).
    pub fn request_header(&mut self) -> Option<()> {
        self.node_id()?;
        // Timestamp, request handle, wanted diagnostics.
        self.skip(16)?;
        self.string()?;
        self.u32()?;
        self.extension().map(|_| ())
    }

    /// Reads the service result out of a response header (OPC 10000-4 7.34).
    pub fn response_header(&mut self) -> Option<u32> {
        // Timestamp and request handle.
        self.skip(12)?;
        self.u32()
    }

    /// Passes over what a response header has behind the result.
    pub fn response_details(&mut self) -> Option<()> {
        self.diagnostics(0)?;
        for _ in 0..self.array()? {
            self.string()?;
        }
        self.extension().map(|_| ())
    }

    fn diagnostics(&mut self, depth: u8) -> Option<()> {
        let mask = self.u8()?;
        for bit in [1, 2, 4, 8] {
            if mask & bit != 0 {
                self.u32()?;
            }
        }
        if mask & 0x10 != 0 {
            self.string()?;
        }
        if mask & 0x20 != 0 {
            self.u32()?;
        }
        match mask & 0x40 {
            0 => Some(()),
            _ if depth < 4 => self.diagnostics(depth.saturating_add(1)),
            _ => None,
        }
    }

    /// The name of an application (OPC 10000-4 7.2).
    pub fn application_name(&mut self) -> Option<&'a [u8]> {
        self.string()?;
        self.string()?;
        self.localized_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing::hex;

    #[test]
    fn node_ids_are_written_as_the_specification_does() {
        let of = |bytes: &str| Cursor(&hex(bytes)).node_id().map(|id| id.to_string());
        assert_eq!(of("00 48").as_deref(), Some("i=72"));
        assert_eq!(of("01 02 0504").as_deref(), Some("ns=2;i=1029"));
        assert_eq!(of("02 0300 01000100").as_deref(), Some("ns=3;i=65537"));
        assert_eq!(of("03 0200 04000000 54616e6b").as_deref(), Some("ns=2;s=Tank"));
        assert_eq!(
            of("04 0000 9102 9272 03a9 334b 8e6b 0102030405 06 07").as_deref(),
            Some("g=72920291-a903-4b33-8e6b-010203040506"),
        );
        assert_eq!(of("06 00"), None);
        assert_eq!(of("03 0200 ff000000 54"), None);
    }

    #[test]
    fn diagnostics_within_diagnostics_end() {
        assert_eq!(Cursor(&[0x40; 64]).diagnostics(0), None);
        assert_eq!(Cursor(&hex("40 00")).diagnostics(0), Some(()));
    }
}
