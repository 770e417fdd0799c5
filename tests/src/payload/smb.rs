//! SMB 2/3 (MS-SMB2): dialect negotiation, then encrypted messages, of which only the envelope can be seen.

use crate::rng::Rng;

/// The port of SMB over TCP.
pub const PORT: u16 = 445;

fn netbios(body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_be_bytes().to_vec();
    out.extend(body);
    out
}

/// The 64-byte header with command NEGOTIATE (0) and the given flags.
fn header(flags: u32) -> Vec<u8> {
    let mut out = vec![0xfe, b'S', b'M', b'B', 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    out.extend(flags.to_le_bytes());
    out.resize(64, 0);
    out
}

/// NEGOTIATE request for dialects 2.1 and 3.0.2.
pub fn negotiate(rng: &mut Rng) -> Vec<u8> {
    let mut body = header(0);
    body.extend([36, 0, 2, 0, 1, 0, 0, 0, 0x7f, 0, 0, 0]);
    body.extend(rng.bytes(16));
    body.extend([0; 8]);
    body.extend([0x10, 2, 2, 3]);
    netbios(&body)
}

/// NEGOTIATE response that chose 3.0.2 and offers no security token.
pub fn negotiated(rng: &mut Rng) -> Vec<u8> {
    let mut body = header(1);
    body.extend([65, 0, 1, 0, 2, 3, 0, 0]);
    body.extend(rng.bytes(16));
    body.extend([0x7f, 0, 0, 0]);
    for _ in 0..3 {
        body.extend(0x0010_0000_u32.to_le_bytes());
    }
    // System time 2025-01-01, no start time.
    body.extend(133_801_632_000_000_000_u64.to_le_bytes());
    body.extend([0; 8]);
    body.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    netbios(&body)
}

/// One encrypted message of `length` bytes (at most 60 000) in a transform header (MS-SMB2 §2.2.41).
pub fn encrypted(length: usize, session: u64, rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![0xfd, b'S', b'M', b'B'];
    body.extend(rng.bytes(16));
    body.extend(rng.bytes(11));
    body.extend([0; 5]);
    body.extend((length as u32).to_le_bytes());
    body.extend([0, 0, 1, 0]);
    body.extend(session.to_le_bytes());
    body.extend(rng.bytes(length));
    netbios(&body)
}
