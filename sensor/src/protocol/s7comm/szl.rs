//! System status lists that identify a controller: 0x0011 (modules) and 0x001C (components), whole or in part.
//!
//! SIMATIC S7-300/400 System and Standard Functions, chapter 34. A list is its id, index, record length and record
//! count, then the records, each with its index first.

use crate::protocol::bytes::{Bytes, text};
use crate::protocol::input::Side;
use crate::protocol::{Asset, AssetField, Event};

const HEADER: usize = 8;

/// The facts in an answer, `data` being the list from its id on.
pub(super) fn assets(data: &[u8], side: Side, out: &mut Vec<Event>) {
    let (Some(id), Some(len)) = (data.be16(0), data.be16(4)) else { return };
    let records = || data.tail(HEADER).chunks_exact(usize::from(len.max(2)));
    // The high byte says which part of the list; its highest digit which kind of module (0: the CPU).
    match (id >> 12, id & 0xff) {
        (0, 0x11) => records().for_each(|record| module(record, side, out)),
        (0, 0x1c) => records().for_each(|record| component(record, side, out)),
        _ => {}
    }
}

/// Order number, two bytes, then version words.
fn module(record: &[u8], side: Side, out: &mut Vec<Event>) {
    match record.be16(0) {
        Some(1) => {
            let Some(order_number) = record.slice(2, 20) else { return };
            if is_siemens(order_number) {
                push(AssetField::Vendor, b"Siemens", side, out);
            }
            push(AssetField::Model, order_number, side, out);
        }
        Some(7) => {
            if let (Some(b'V'), Some([major, minor, patch])) = (record.u8_at(24), record.slice(25, 3)) {
                push(AssetField::Firmware, format!("V{major}.{minor}.{patch}").as_bytes(), side, out);
            }
        }
        _ => {}
    }
}

/// Siemens order numbers: 6ES7, 6AG1, 6GK7, 6FC5 …
fn is_siemens(order_number: &[u8]) -> bool {
    matches!(order_number, [b'6', b'A' | b'E' | b'F' | b'G', b'A'..=b'Z', b'0'..=b'9', ..])
}

fn component(record: &[u8], side: Side, out: &mut Vec<Event>) {
    let Some(value) = record.get(2..) else { return };
    match record.be16(0) {
        Some(1) => push(AssetField::Name, value, side, out),
        Some(5) => push(AssetField::Serial, value, side, out),
        _ => {}
    }
}

fn push(field: AssetField, value: &[u8], side: Side, out: &mut Vec<Event>) {
    let value = text(value);
    if !value.is_empty() {
        out.push(Event::Asset(Asset { side, field, value }));
    }
}
