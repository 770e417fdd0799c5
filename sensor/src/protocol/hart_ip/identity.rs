//! Who an instrument is, from its answer to command 0 (HCF_SPEC-127, table of command 0).

use crate::protocol::bytes::Bytes as _;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event, Side};

/// An instrument's address on the wire: maker, type and serial number, without the bits of master and burst.
pub(super) type Address = [u8; 5];

/// The address in a long frame.
pub(super) fn address(body: &[u8]) -> Option<Address> {
    let mut address: Address = body.slice(1, 5)?.try_into().ok()?;
    address[0] &= 0x3f;
    Some(address)
}

/// `26:4e:00:00:d2`.
pub(super) fn written(address: Address) -> Text {
    let [a, b, c, d, e] = address;
    format_args!("instrument {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}").into()
}

/// Tells what an answer to command 0 says of the device that gave it; returns its address. `data` follows the two bytes of status.
pub(super) fn identified(data: &[u8], side: Side, out: &mut Vec<Event>) -> Option<Address> {
    let (maker, kind) = (data.u8_at(1)?, data.u8_at(2)?);
    let (universal, software) = (data.u8_at(4)?, data.u8_at(6)?);
    let [a, b, c] = data.slice(9, 3)?.try_into().ok()?;
    // From revision 7 on the maker has two bytes of its own.
    let maker_id = data.be16(17).filter(|_| universal >= 7).unwrap_or(u16::from(maker));
    let mut fact = |field, value: Box<str>| out.push(Event::Asset(Asset { side, field, value }));
    if let Some(name) = vendor(maker_id) {
        fact(AssetField::Vendor, name.into());
    }
    fact(AssetField::Model, format!("HART device type 0x{maker:02x}{kind:02x}").into());
    fact(AssetField::Firmware, format!("{software}").into());
    fact(AssetField::Serial, format!("{}", u32::from_be_bytes([0, a, b, c])).into());
    Some([maker & 0x3f, kind, a, b, c])
}

/// Makers by the number FieldComm Group gave them: those of many instruments.
const fn vendor(id: u16) -> Option<&'static str> {
    Some(match id {
        0x11 => "Endress+Hauser",
        0x13 => "Fisher Controls",
        0x14 => "Schneider Electric (Foxboro)",
        0x17 => "Honeywell",
        0x1a => "ABB",
        0x1f => "Micro Motion",
        0x26 => "Rosemount",
        0x2a => "Siemens",
        0x2e => "Rosemount Analytical",
        0x36 => "Azbil",
        0x37 => "Yokogawa",
        0x3e => "Smar",
        0x42 => "Samson",
        0x45 => "Krohne",
        0x4f => "Rosemount Tank Radar",
        0x56 => "Magnetrol",
        0x5d | 0x6019 => "Pepperl+Fuchs",
        0x60 => "Baumer",
        0x61 => "Knick",
        0x62 => "VEGA",
        0x65 => "Masoneilan",
        0x6b => "WIKA",
        0x6e => "Rotork",
        0x9e => "R. Stahl",
        0xb0 => "Phoenix Contact",
        0xbe => "HIMA",
        0x6041 => "Softing",
        0x6059 => "Emerson",
        0x607c => "AUMA",
        0x608c => "JUMO",
        0x60ce => "Festo",
        _ => return None,
    })
}
