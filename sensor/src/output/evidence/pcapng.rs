//! Writes pcapng (draft-ietf-opsawg-pcapng): section header, interface descriptions with nanoseconds, enhanced packets
//! with comments. Little endian.
//!
//! ```text
//! block: 0 type 4 | 4 length 4 | body, options (code 2, length 2, value padded to 4) | length 4
//! ```

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const MAGIC: u32 = 0x1a2b_3c4d;
const ETHERNET: u16 = 1;

const COMMENT: u16 = 1;
const USER_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const RESOLUTION: u16 = 9;
/// Units of 10^-9 seconds.
const NANOSECONDS: u8 = 9;

/// A frame as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The interface's number in this section, in the order described.
    pub interface: u32,
    /// Nanoseconds since the epoch.
    pub at: u64,
    /// The frame, as far as it was kept.
    pub frame: &'a [u8],
    /// Bytes on the wire.
    pub wire_len: u32,
}

/// Begins a section, which ends what interfaces were described before.
pub fn section(out: &mut Vec<u8>, comments: &[String]) {
    block(out, SECTION, |body| {
        body.extend_from_slice(&MAGIC.to_le_bytes());
        // Version 1.0.
        body.extend_from_slice(&[1, 0, 0, 0]);
        // Its length is not said: it grows.
        body.extend_from_slice(&u64::MAX.to_le_bytes());
        options(
            body,
            comments
                .iter()
                .map(|text| (COMMENT, text.as_bytes()))
                .chain([(USER_APPLICATION, concat!("Isthmus ", env!("CARGO_PKG_VERSION")).as_bytes())]),
        );
    });
}

/// Describes the next interface.
pub fn interface(out: &mut Vec<u8>, name: &str, snap: u32) {
    block(out, INTERFACE, |body| {
        body.extend_from_slice(&ETHERNET.to_le_bytes());
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&snap.to_le_bytes());
        options(body, [(INTERFACE_NAME, name.as_bytes()), (RESOLUTION, &[NANOSECONDS][..])]);
    });
}

/// Writes a frame.
pub fn packet(out: &mut Vec<u8>, packet: &Packet<'_>, comments: &[String]) {
    let captured = u32::try_from(packet.frame.len()).unwrap_or(u32::MAX);
    block(out, PACKET, |body| {
        let [high, low] = [packet.at >> 32, packet.at & 0xffff_ffff].map(|half| half as u32);
        for word in [packet.interface, high, low, captured, packet.wire_len.max(captured)] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(packet.frame);
        pad(body);
        if !comments.is_empty() {
            options(body, comments.iter().map(|text| (COMMENT, text.as_bytes())));
        }
    });
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len().saturating_sub(start).saturating_add(4)).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    if let Some(head) = out.get_mut(start.saturating_add(4)..start.saturating_add(8)) {
        head.copy_from_slice(&length.to_le_bytes());
    }
}

fn options<'a>(out: &mut Vec<u8>, options: impl IntoIterator<Item = (u16, &'a [u8])>) {
    for (code, value) in options {
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        out.extend_from_slice(&code.to_le_bytes());
        out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(value);
        pad(out);
    }
    // opt_endofopt
    out.extend_from_slice(&[0; 4]);
}

/// Blocks begin at multiples of four bytes, and so every part of one does.
fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}
