//! The data link layer (IEEE 1815 clause 9): frames with a checksum after the header and after each 16 bytes of data.

use crate::protocol::Malformed;
use crate::protocol::bytes::Bytes;
use crate::protocol::framing::Front;

/// Start, length, control, destination, source, checksum.
const HEADER: usize = 10;
/// Data bytes that one checksum guards.
const BLOCK: usize = 16;
/// The smallest length field: control and addresses.
const SHORTEST: u8 = 5;

/// CRC-16/DNP: polynomial 0x3d65 (reflected 0xa6bc), start 0, inverted.
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    !crc
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// From the master's end.
    pub from_master: bool,
    /// Asks; otherwise answers.
    pub primary: bool,
    /// Function code.
    pub function: u8,
    /// To whom.
    pub destination: u16,
    /// From whom.
    pub source: u16,
}

impl Header {
    /// The outstation that is talked to or talks.
    pub const fn outstation(&self) -> u16 {
        if self.from_master { self.destination } else { self.source }
    }

    /// Carries a transport segment.
    pub const fn has_user_data(&self) -> bool {
        self.primary && matches!(self.function, 3 | 4)
    }

    /// Name of a function without user data.
    pub const fn name(&self) -> Option<&'static str> {
        Some(match (self.primary, self.function) {
            (true, 0) => "reset link states",
            (true, 1) => "reset user process",
            (true, 2) => "test link states",
            (true, 3) => "confirmed user data",
            (true, 4) => "unconfirmed user data",
            (true, 9) => "request link status",
            (false, 0) => "ack",
            (false, 1) => "nack",
            (false, 11) => "link status",
            (false, 14) => "link service not functioning",
            (false, 15) => "link service not supported",
            _ => return None,
        })
    }
}

/// Reads the header of a frame.
pub fn header(frame: &[u8]) -> Option<Header> {
    let control = frame.u8_at(3)?;
    Some(Header {
        from_master: control & 0x80 != 0,
        primary: control & 0x40 != 0,
        function: control & 0x0f,
        destination: frame.le16(4)?,
        source: frame.le16(6)?,
    })
}

/// What stands at the front.
pub fn front(bytes: &[u8], _: bool) -> Front {
    if bytes.u8_at(0).is_some_and(|start| start != 0x05) || bytes.u8_at(1).is_some_and(|start| start != 0x64)
    {
        return Front::Bad(Malformed::BadVersion);
    }
    let Some(len) = bytes.u8_at(2) else { return Front::Short };
    if len < SHORTEST {
        return Front::Bad(Malformed::BadLength);
    }
    let (Some(head), Some(crc)) = (bytes.get(..8), bytes.le16(8)) else { return Front::Short };
    if checksum(head) != crc {
        return Front::Bad(Malformed::BadChecksum);
    }
    let data = usize::from(len.saturating_sub(SHORTEST));
    Front::Frame(HEADER.saturating_add(data).saturating_add(data.div_ceil(BLOCK).saturating_mul(2)))
}

/// Appends the data of a frame to `out`, without checksums. Blocks that are not whole end it.
///
/// # Errors
/// [`Malformed::BadChecksum`] at the first block whose checksum is wrong.
pub fn user_data(frame: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    for block in frame.tail(HEADER).chunks(BLOCK.saturating_add(2)) {
        let Some(at) = block.len().checked_sub(2) else { return Ok(()) };
        let (data, crc) = (block.get(..at).unwrap_or_default(), block.le16(at));
        if crc != Some(checksum(data)) {
            return Err(Malformed::BadChecksum);
        }
        out.extend_from_slice(data);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing::hex;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-16/DNP.
        assert_eq!(checksum(b"123456789"), 0xea82);
        assert_eq!(checksum(&hex("056408c40a000100")), 0x42fc);
    }

    #[test]
    fn lengths_count_checksums_too() {
        assert_eq!(front(&hex("056408c40a000100fc42"), false), Front::Frame(15));
        assert_eq!(front(&hex("056408c40a000100fc43"), false), Front::Bad(Malformed::BadChecksum));
        assert_eq!(front(&hex("056404c40a000100fc42"), false), Front::Bad(Malformed::BadLength));
        assert_eq!(front(&hex("0564"), false), Front::Short);
    }

    #[test]
    fn data_come_without_their_checksums() {
        let mut data = Vec::new();
        assert_eq!(user_data(&hex("056408c40a000100fc42 c0c00d9c86"), &mut data), Ok(()));
        assert_eq!(data, [0xc0, 0xc0, 0x0d]);
        assert_eq!(
            user_data(&hex("056408c40a000100fc42 c0c00e9c86"), &mut data),
            Err(Malformed::BadChecksum)
        );
    }
}
