//! How long the data of each function must be (Modbus Application Protocol V1.1b3 section 6).

use super::umas;
use crate::protocol::bytes::Bytes;
use crate::protocol::input::Side;

/// Whether a PDU has the length its function asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has.
    Fits,
    /// It has not.
    Broken,
    /// The function's length is not specified, or depends on the device.
    Open,
}

/// The shape of a PDU (function code and data) that `side` sent.
pub(super) fn of(pdu: &[u8], side: Side) -> Shape {
    let Some(code) = pdu.u8_at(0) else { return Shape::Broken };
    let expected = match (side, code) {
        (Side::Client, 1..=4) => {
            fixed(5).filter(|_| pdu.be16(3).is_some_and(|quantity| (1..=2000).contains(&quantity)))
        }
        (_, 5 | 6) | (Side::Server, 15 | 16) => fixed(5),
        (Side::Client, 7 | 11 | 12 | 17) => fixed(1),
        (Side::Client, 15 | 16) => counted(pdu, 5),
        (_, 20 | 21) | (Side::Server, 1..=4 | 12 | 17 | 23) => counted(pdu, 1),
        (_, 22) => fixed(7),
        (Side::Client, 23) => counted(pdu, 9),
        (Side::Client, 24) => fixed(3),
        (Side::Server, 7 | 0x80..) => fixed(2),
        (Side::Server, 11) => fixed(5),
        (Side::Server, 24) => pdu.be16(1).and_then(|count| fixed(usize::from(count).saturating_add(3))),
        (Side::Client, 43) if pdu.u8_at(1) == Some(14) => fixed(4),
        (side, umas::FUNCTION) if umas::is_known(pdu, side) => return Shape::Fits,
        _ => return Shape::Open,
    };
    if expected == Some(pdu.len()) { Shape::Fits } else { Shape::Broken }
}

const fn fixed(len: usize) -> Option<usize> {
    Some(len)
}

/// The length when the byte at `at` counts those that follow it.
fn counted(pdu: &[u8], at: usize) -> Option<usize> {
    Some(at.saturating_add(1).saturating_add(usize::from(pdu.u8_at(at)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_request_is_five_bytes_and_asks_for_something() {
        assert_eq!(of(&[3, 0, 0, 0, 2], Side::Client), Shape::Fits);
        assert_eq!(of(&[3, 0, 0, 0, 0], Side::Client), Shape::Broken);
        assert_eq!(of(&[3, 0, 0], Side::Client), Shape::Broken);
    }

    #[test]
    fn counted_data_must_be_there() {
        assert_eq!(of(&[16, 0, 1, 0, 1, 2, 0xaa, 0xbb], Side::Client), Shape::Fits);
        assert_eq!(of(&[16, 0, 1, 0, 1, 4, 0xaa, 0xbb], Side::Client), Shape::Broken);
        assert_eq!(of(&[3, 2, 0xaa, 0xbb], Side::Server), Shape::Fits);
        assert_eq!(of(&[24, 0, 2, 0, 0], Side::Server), Shape::Fits);
    }

    #[test]
    fn an_exception_is_two_bytes() {
        assert_eq!(of(&[0x83, 2], Side::Server), Shape::Fits);
        assert_eq!(of(&[0x83], Side::Server), Shape::Broken);
    }

    #[test]
    fn unknown_functions_may_be_anything() {
        assert_eq!(of(&[0x5b, 0, 1], Side::Client), Shape::Open);
    }
}
