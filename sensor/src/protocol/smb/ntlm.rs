//! NTLM's challenge and answer (MS-NLMP 2.2.1.2, 2.2.1.3), wherever they stand in a message.

use super::super::bytes::{Bytes, text};
use super::super::{Asset, AssetField, Event, Side};

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const CHALLENGE: u32 = 2;
const AUTHENTICATE: u32 = 3;
/// MsvAvEOL, MsvAvNbComputerName.
const END: u16 = 0;
const COMPUTER: u16 = 1;
/// NTLMSSP_NEGOTIATE_VERSION.
const HAS_VERSION: u32 = 0x0200_0000;

/// Reads what `side` says about itself; `true` where it has said it.
pub(super) fn read(side: Side, message: &[u8], out: &mut Vec<Event>) -> bool {
    let Some(at) = message.windows(SIGNATURE.len()).position(|window| window == SIGNATURE) else {
        return false;
    };
    let ntlm = message.tail(at);
    let mut state = |field, value: Box<str>| {
        if !value.is_empty() {
            out.push(Event::Asset(Asset { side, field, value }));
        }
    };
    match (side, ntlm.le32(8)) {
        (Side::Server, Some(CHALLENGE)) => {
            if let Some(name) = field(ntlm, 40).and_then(|info| pair(info, COMPUTER)) {
                state(AssetField::Name, utf16(name));
            }
            if ntlm.le32(20).is_some_and(|flags| flags & HAS_VERSION != 0)
                && let (Some(major), Some(minor), Some(build)) =
                    (ntlm.u8_at(48), ntlm.u8_at(49), ntlm.le16(50))
                && build != 0
            {
                state(AssetField::System, format!("Windows {major}.{minor}.{build}").into());
            }
            true
        }
        (Side::Client, Some(AUTHENTICATE)) => {
            if let Some(name) = field(ntlm, 44) {
                state(AssetField::Name, utf16(name));
            }
            true
        }
        _ => false,
    }
}

/// A length, a maximal length and an offset, and the bytes they point to.
fn field(ntlm: &[u8], at: usize) -> Option<&[u8]> {
    let (len, offset) = (ntlm.le16(at)?, ntlm.le32(at.checked_add(4)?)?);
    ntlm.slice(usize::try_from(offset).ok()?, len.into())
}

/// The value of that kind in a list of AV_PAIRs (MS-NLMP 2.2.2.1).
fn pair(mut list: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (kind, len) = (list.le16(0)?, list.le16(2)?);
        let value = list.slice(4, len.into())?;
        match kind {
            END => return None,
            kind if kind == wanted => return Some(value),
            _ => list = list.tail(4_usize.checked_add(len.into())?),
        }
    }
}

/// UTF-16LE as text; names of hosts are short and mostly ASCII.
fn utf16(bytes: &[u8]) -> Box<str> {
    let narrow: Vec<u8> = bytes
        .chunks_exact(2)
        .take(64)
        .map(|pair| match pair {
            [low, 0] => *low,
            _ => b'?',
        })
        .collect();
    text(&narrow)
}
