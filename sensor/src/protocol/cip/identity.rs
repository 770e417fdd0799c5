//! What a CIP device says of itself: the identity object's attributes (CIP volume 1, 5A-2), as `ListIdentity` and
//! `get attributes all` give them.

use super::vendors;
use crate::protocol::bytes::{Bytes, text};
use crate::protocol::input::Side;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event};

/// Who a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    vendor: u16,
    revision: [u8; 2],
    serial: u32,
    name: &'a [u8],
}

impl<'a> Identity<'a> {
    /// Vendor, device type, product code, revision, status, serial number, product name.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            vendor: bytes.le16(0)?,
            revision: [bytes.u8_at(6)?, bytes.u8_at(7)?],
            serial: bytes.le32(10)?,
            name: bytes.slice(15, usize::from(bytes.u8_at(14)?))?,
        })
    }

    fn vendor(&self) -> Box<str> {
        vendors::name(self.vendor).map_or_else(|| format!("vendor {}", self.vendor).into(), Into::into)
    }

    fn firmware(&self) -> String {
        let [major, minor] = self.revision;
        format!("{major}.{minor}")
    }

    /// As facts about the end that said so.
    pub fn assets(&self, side: Side, out: &mut Vec<Event>) {
        let facts = [
            (AssetField::Vendor, self.vendor()),
            (AssetField::Model, text(self.name)),
            (AssetField::Firmware, self.firmware().into()),
            (AssetField::Serial, format!("{:#010x}", self.serial).into()),
        ];
        let stated = facts.into_iter().filter(|(_, value)| !value.is_empty());
        out.extend(stated.map(|(field, value)| Event::Asset(Asset { side, field, value })));
    }

    /// As text, for a device behind the one that answered: a module in its rack.
    pub fn text(&self) -> Text {
        format_args!("{} {} {} serial {:#010x}", self.vendor(), text(self.name), self.firmware(), self.serial)
            .into()
    }
}
