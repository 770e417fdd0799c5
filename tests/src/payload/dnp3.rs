//! DNP3 (IEEE 1815-2012): frames of one fragment in one segment.

/// The port of DNP3.
pub const PORT: u16 = 20_000;

/// Function code of a confirmation.
pub const CONFIRM: u8 = 0;
/// Function code of a read.
pub const READ: u8 = 1;
/// Function code of an operation that is not selected before.
pub const DIRECT_OPERATE: u8 = 5;
/// Function code of a solicited response.
pub const RESPONSE: u8 = 129;
/// Function code of an unsolicited response.
pub const UNSOLICITED: u8 = 130;

/// Object headers of a read of class 1, 2 and 3.
pub const CLASSES: &[u8] = &[60, 2, 6, 60, 3, 6, 60, 4, 6];
/// One control relay output block: index 3, latch on, once.
pub const LATCH_ON: &[u8] = &[12, 1, 0x28, 1, 0, 3, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0];

/// A request of the master to the outstation with that link address; the master's is 1.
#[must_use]
pub fn request(outstation: u16, sequence: u8, function: u8, objects: &[u8]) -> Vec<u8> {
    // From the master, primary, unconfirmed user data.
    let unsolicited = if function == CONFIRM { 0x10 } else { 0 };
    frame(0xc4, outstation, 1, &[&[0xc0, 0xc0 | unsolicited | sequence, function], objects].concat())
}

/// A response of an outstation, without indications.
#[must_use]
pub fn response(outstation: u16, sequence: u8, function: u8, objects: &[u8]) -> Vec<u8> {
    let unsolicited = if function == UNSOLICITED { 0x30 } else { 0 };
    frame(0x44, 1, outstation, &[&[0xc0, 0xc0 | unsolicited | sequence, function, 0, 0], objects].concat())
}

fn frame(control: u8, destination: u16, source: u16, data: &[u8]) -> Vec<u8> {
    let mut out = vec![5, 0x64, 5 + data.len() as u8, control];
    out.extend(destination.to_le_bytes());
    out.extend(source.to_le_bytes());
    out.extend(crc(&out).to_le_bytes());
    for block in data.chunks(16) {
        out.extend(block);
        out.extend(crc(block).to_le_bytes());
    }
    out
}

/// CRC-16 of DNP: polynomial 0x3d65, reflected, inverted.
fn crc(bytes: &[u8]) -> u16 {
    let step = |crc: u16| if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
    !bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_a_real_frame() {
        // A cold restart as a master of the Quickdraw captures sends it.
        assert_eq!(crc(&[5, 0x64, 8, 0xc4, 0x0a, 0, 1, 0]).to_le_bytes(), [0xfc, 0x42]);
    }
}
