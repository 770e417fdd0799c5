//! Frames as capture files: pcap with nanoseconds, and pcapng with one interface a leg.

use std::io::{self, Write};

use crate::conversation::Frame;

/// LINKTYPE_ETHERNET.
const ETHERNET: u16 = 1;

/// Writes `frames` as pcap with nanosecond timestamps (magic 0xa1b23c4d) and returns their number. The format knows
/// no interfaces: both legs end up in one stream.
///
/// # Errors
/// What the writer reports.
pub fn write_pcap(out: &mut impl Write, frames: impl IntoIterator<Item = Frame>) -> io::Result<u64> {
    out.write_all(&0xa1b2_3c4d_u32.to_le_bytes())?;
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
    out.write_all(&65_535_u32.to_le_bytes())?;
    out.write_all(&u32::from(ETHERNET).to_le_bytes())?;
    let mut count = 0;
    for frame in frames {
        let length = frame.bytes.len() as u32;
        let (seconds, nanos) = (frame.at_ns / 1_000_000_000, frame.at_ns % 1_000_000_000);
        for word in [seconds as u32, nanos as u32, length, length] {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(&frame.bytes)?;
        count += 1;
    }
    Ok(count)
}

/// A pcapng block: type, length, body padded to 32 bits, length.
fn block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let total = ((12 + body.len() + padding) as u32).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total)?;
    out.write_all(body)?;
    out.write_all(&[0; 3][..padding])?;
    out.write_all(&total)
}

/// A pcapng option: code, length, value padded to 32 bits.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Writes `frames` as pcapng (draft-ietf-opsawg-pcapng) with interfaces named `leg0` and `leg1`, nanosecond
/// timestamps, and returns their number.
///
/// # Errors
/// What the writer reports.
pub fn write_pcapng(out: &mut impl Write, frames: impl IntoIterator<Item = Frame>) -> io::Result<u64> {
    let mut header = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    header.extend([1, 0, 0, 0]);
    header.extend([0xff; 8]);
    block(out, 0x0a0d_0d0a, &header)?;
    for name in ["leg0", "leg1"] {
        let mut body = ETHERNET.to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(65_535_u32.to_le_bytes());
        option(&mut body, 2, name.as_bytes());
        // if_tsresol: units of 10^-9 s.
        option(&mut body, 9, &[9]);
        option(&mut body, 0, &[]);
        block(out, 1, &body)?;
    }
    let mut count = 0;
    let mut body = Vec::new();
    for frame in frames {
        body.clear();
        let length = frame.bytes.len() as u32;
        let (high, low) = ((frame.at_ns >> 32) as u32, frame.at_ns as u32);
        for word in [u32::from(frame.leg), high, low, length, length] {
            body.extend(word.to_le_bytes());
        }
        body.extend(&frame.bytes);
        block(out, 6, &body)?;
        count += 1;
    }
    Ok(count)
}
