//! UMAS, the programming protocol of Schneider controllers, inside function 90.
//!
//! Unpublished; function numbers from the public analyses of L. Orr and of Kaspersky ICS CERT ("The secrets of Schneider
//! Electric's UMAS protocol"), directions checked on a capture: answers to 0x34 carry the program, requests do not, so
//! 0x33 to 0x35 read a program out of the controller and 0x30 to 0x32 write one.
//!
//! ```text
//!  5A | session key | function | data …           request
//!  5A | session key | FE or FD | data …           response, accepted or refused
//! ```

use super::functions::{Function, Row, lookup};
use crate::protocol::bytes::Bytes;
use crate::protocol::command::{Action, Status};
use crate::protocol::input::Side;

/// The Modbus function code that carries UMAS.
pub const FUNCTION: u8 = 0x5a;
/// Asks for the controller's hardware identity.
pub const READ_ID: u8 = 0x02;

/// The function of that number.
pub fn function(code: u8) -> Function {
    lookup(FUNCTIONS, FUNCTION, code).unwrap_or_else(|| Function {
        code: u32::from(FUNCTION) << 8 | u32::from(code),
        text: format_args!("90/{code:#04x}").into(),
        name: "umas: unknown function",
        action: Action::Other,
    })
}

/// Whether a PDU of function 90 is UMAS by what stands in it: a known function, or an answer's outcome.
pub fn is_known(pdu: &[u8], side: Side) -> bool {
    match (side, pdu.u8_at(2)) {
        (Side::Client, Some(code)) => lookup(FUNCTIONS, FUNCTION, code).is_some(),
        (Side::Server, outcome) => matches!(outcome, Some(0xfd | 0xfe)),
        (Side::Client, None) => false,
    }
}

/// What the response PDU says.
pub fn status(pdu: &[u8]) -> Status {
    match pdu.u8_at(2) {
        Some(0xfe) => Status::Ok,
        Some(code) => Status::Refused(u32::from(code), "umas error"),
        None => Status::None,
    }
}

/// The model in the answer to [`READ_ID`]: a length byte and text after 22 bytes of numbers.
pub fn model(pdu: &[u8]) -> Option<&[u8]> {
    let data = pdu.tail(3);
    let name = data.slice(23, usize::from(data.u8_at(22)?))?;
    (!name.is_empty() && name.iter().all(|byte| (0x20..0x7f).contains(byte))).then_some(name)
}

#[rustfmt::skip]
const FUNCTIONS: &[Row] = &[
    (0x01,    "90/0x01", "umas: initialize communication",  Action::Discover),
    (READ_ID, "90/0x02", "umas: read id",                   Action::Discover),
    (0x03,    "90/0x03", "umas: read project information",  Action::Discover),
    (0x04,    "90/0x04", "umas: read plc information",      Action::Discover),
    (0x06,    "90/0x06", "umas: read card information",     Action::Discover),
    (0x0a,    "90/0x0a", "umas: repeat",                    Action::Session),
    (0x10,    "90/0x10", "umas: take plc reservation",      Action::Session),
    (0x11,    "90/0x11", "umas: release plc reservation",   Action::Session),
    (0x12,    "90/0x12", "umas: keep alive",                Action::Session),
    (0x20,    "90/0x20", "umas: read memory block",         Action::Read),
    (0x21,    "90/0x21", "umas: write memory block",        Action::Write),
    (0x22,    "90/0x22", "umas: read variables",            Action::Read),
    (0x23,    "90/0x23", "umas: write variables",           Action::Write),
    (0x24,    "90/0x24", "umas: read coils and registers",  Action::Read),
    (0x25,    "90/0x25", "umas: write coils and registers", Action::Write),
    (0x30,    "90/0x30", "umas: begin program write",       Action::Program),
    (0x31,    "90/0x31", "umas: write program block",       Action::Program),
    (0x32,    "90/0x32", "umas: end program write",         Action::Program),
    (0x33,    "90/0x33", "umas: begin program read",        Action::ReadProgram),
    (0x34,    "90/0x34", "umas: read program block",        Action::ReadProgram),
    (0x35,    "90/0x35", "umas: end program read",          Action::ReadProgram),
    (0x39,    "90/0x39", "umas: read ethernet master data", Action::Read),
    (0x40,    "90/0x40", "umas: start plc",                 Action::Control),
    (0x41,    "90/0x41", "umas: stop plc",                  Action::Control),
    (0x50,    "90/0x50", "umas: monitor plc",               Action::Read),
    (0x58,    "90/0x58", "umas: check plc",                 Action::Other),
    (0x70,    "90/0x70", "umas: read i/o object",           Action::Read),
    (0x71,    "90/0x71", "umas: write i/o object",          Action::Write),
    (0x73,    "90/0x73", "umas: get module status",         Action::Read),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_texts_match_their_codes() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FUNCTIONS.iter().all(|row| row.1 == format!("90/{:#04x}", row.0)));
    }

    #[test]
    fn a_session_refused_and_one_accepted() {
        assert_eq!(status(&[0x5a, 0, 0xfe]), Status::Ok);
        assert_eq!(status(&[0x5a, 0, 0xfd, 0x81]), Status::Refused(0xfd, "umas error"));
        assert_eq!(status(&[0x5a, 0]), Status::None);
    }
}
