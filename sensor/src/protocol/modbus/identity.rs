//! What a Modbus server says about itself: device identification (43/14), server id (17), UMAS read id.

use super::umas;
use crate::protocol::bytes::{Bytes, short, text};
use crate::protocol::input::Side;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event};

/// 43/14 as a command code.
const READ_DEVICE_IDENTIFICATION: u32 = 43 << 8 | 14;
/// UMAS read id as a command code.
const READ_ID: u32 = (umas::FUNCTION as u32) << 8 | umas::READ_ID as u32;

/// The facts in a response PDU to the function of that code.
pub(super) fn assets(pdu: &[u8], code: u32, out: &mut Vec<Event>) {
    if pdu.u8_at(0).is_none_or(|code| code & 0x80 != 0) {
        return;
    }
    match code {
        READ_DEVICE_IDENTIFICATION => objects(pdu, out),
        READ_ID => {
            if let Some(model) = umas::model(pdu) {
                push(AssetField::Vendor, b"Schneider Electric", out);
                push(AssetField::Model, model, out);
            }
        }
        _ => {}
    }
}

/// The printable part of a "report server id" answer. Its layout is each maker's own, so it is shown, not filed.
pub(super) fn server_id(pdu: &[u8]) -> Option<Text> {
    if pdu.u8_at(0) != Some(17) {
        return None;
    }
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let longest = pdu.tail(2).split(|byte| !printable(byte)).max_by_key(|run| run.len())?;
    (longest.len() >= 4).then(|| short(longest))
}

/// Object list of 43/14 (section 6.21): id, length, value, as many as byte 6 says.
fn objects(pdu: &[u8], out: &mut Vec<Event>) {
    let mut at: usize = 7;
    for _ in 0..pdu.u8_at(6).unwrap_or(0) {
        let (Some(id), Some(len)) = (pdu.u8_at(at), pdu.u8_at(at.saturating_add(1))) else { return };
        let Some(value) = pdu.slice(at.saturating_add(2), usize::from(len)) else { return };
        match id {
            0 => push(AssetField::Vendor, value, out),
            1 => push(AssetField::Model, value, out),
            2 => push(AssetField::Firmware, value, out),
            6 => push(AssetField::Name, value, out),
            _ => {}
        }
        at = at.saturating_add(2).saturating_add(value.len());
    }
}

fn push(field: AssetField, value: &[u8], out: &mut Vec<Event>) {
    let value = text(value);
    if !value.is_empty() {
        out.push(Event::Asset(Asset { side: Side::Server, field, value }));
    }
}
