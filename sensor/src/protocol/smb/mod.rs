//! SMB over TCP (MS-CIFS, MS-SMB2): the dialect that was agreed, and what NTLM (MS-NLMP) says in clear about both hosts.
//!
//! ```text
//! NetBIOS session   type u8 (0 message, 0x81 request) | length u24          (RFC 1002, 4.3; MS-SMB2 2.1)
//! message           0xFF|0xFE|0xFD "SMB" …
//! ```

mod ntlm;
#[cfg(test)]
mod tests;

use super::bytes::Bytes;
use super::opening::{Opening, Read};
use super::{Asset, AssetField, Event, Port, Probe, Side, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "smb",
    title: "SMB",
    ports: &[Port::Tcp(139), Port::Tcp(445)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(read),
    about: "Windows file sharing (MS-CIFS, MS-SMB2). Identified on any port; the dialect agreed on, and from NTLM the names \
            of both hosts and the server's Windows version. Files, users and passwords are not kept.",
};

const HEADER: usize = 4;
const MESSAGE: u8 = 0;
const SESSION_REQUEST: u8 = 0x81;
/// Session messages that end without data: positive response, keep-alive.
const EMPTY: [u8; 2] = [0x82, 0x85];

fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    let magic = bytes.iter().skip(HEADER).take(4).enumerate().all(|(at, byte)| match at {
        0 => (0xfd..=0xff).contains(byte),
        _ => b"?SMB".get(at) == Some(byte),
    });
    match bytes.u8_at(0) {
        None => Verdict::NeedMore,
        Some(MESSAGE) if magic && bytes.len() >= 8 => Verdict::Yes,
        Some(MESSAGE) if magic => Verdict::NeedMore,
        // Two encoded names of 34 bytes each.
        Some(SESSION_REQUEST) if probe.hinted => match bytes.be32(0) {
            None => Verdict::NeedMore,
            Some(0x8100_0044) => Verdict::Yes,
            Some(_) => Verdict::No,
        },
        // A positive response: look behind it.
        Some(kind) if probe.hinted && EMPTY.contains(&kind) && bytes.be16(2).is_none_or(|len| len == 0) => {
            match bytes.get(HEADER..).unwrap_or_default() {
                rest if rest.len() < HEADER => Verdict::NeedMore,
                rest => self::probe(Probe { bytes: rest, hinted: false, ..probe }),
            }
        }
        Some(_) => Verdict::No,
    }
}

/// Message after message, until NTLM has said what it says.
fn read(side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Read {
    let (Some(kind), Some(high), Some(low)) = (bytes.u8_at(0), bytes.u8_at(1), bytes.be16(2)) else {
        return Read::More;
    };
    let len = HEADER.saturating_add(usize::from(high) << 16 | usize::from(low));
    match kind {
        MESSAGE | SESSION_REQUEST => {}
        kind if EMPTY.contains(&kind) => {}
        _ => return Read::Done,
    }
    let Some(message) = bytes.get(HEADER..len) else { return Read::More };
    if kind == MESSAGE {
        if side == Side::Server
            && let Some(value) = dialect(message)
        {
            out.push(Event::Asset(Asset { side, field: AssetField::Protocol, value: value.into() }));
        }
        if ntlm::read(side, message, out) {
            return Read::Done;
        }
    }
    Read::Used(len)
}

/// What a negotiate response agrees on.
fn dialect(message: &[u8]) -> Option<&'static str> {
    const RESPONSE: u32 = 1;
    match message.first_chunk::<4>()? {
        // Command 0x72 with the reply bit in the flags; the dialect's number refers to the request's list.
        b"\xffSMB" => (message.u8_at(4)? == 0x72 && message.u8_at(9)? & 0x80 != 0).then_some("SMB 1"),
        b"\xfeSMB" if message.le16(12)? == 0 && message.le32(16)? & RESPONSE != 0 => {
            match message.le16(64_usize.checked_add(4)?)? {
                0x0202 => Some("SMB 2.0.2"),
                0x0210 => Some("SMB 2.1"),
                0x0300 => Some("SMB 3.0"),
                0x0302 => Some("SMB 3.0.2"),
                0x0311 => Some("SMB 3.1.1"),
                // 0x02ff: to be negotiated once more.
                _ => None,
            }
        }
        _ => None,
    }
}
