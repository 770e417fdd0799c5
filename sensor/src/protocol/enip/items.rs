//! The common packet format (CIP volume 2, 2-6): a count, then items of type, length, data.

use crate::protocol::bytes::Bytes;

/// Who a device is.
pub const IDENTITY: u16 = 0x000c;
/// The connection a message belongs to.
pub const CONNECTED_ADDRESS: u16 = 0x00a1;
/// Its sequence count and the message.
pub const CONNECTED_DATA: u16 = 0x00b1;
/// A message without a connection.
pub const UNCONNECTED_DATA: u16 = 0x00b2;

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its type.
    pub kind: u16,
    /// Its data, as far as they are there.
    pub data: &'a [u8],
    /// Not all of them are.
    pub cut: bool,
}

/// The items of a message.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: u16,
    /// The bytes ended before the items did.
    pub short: bool,
}

impl<'a> Items<'a> {
    /// Reads from the count on.
    pub fn read(bytes: &'a [u8]) -> Self {
        let count = bytes.le16(0);
        Self { rest: bytes.tail(2), left: count.unwrap_or(0), short: count.is_none() }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (Some(kind), Some(len)) = (self.rest.le16(0), self.rest.le16(2)) else {
            (self.left, self.short) = (0, true);
            return None;
        };
        let all = self.rest.tail(4);
        let data = all.get(..usize::from(len));
        self.short |= data.is_none();
        self.rest = all.tail(usize::from(len));
        Some(Item { kind, data: data.unwrap_or(all), cut: data.is_none() })
    }
}
