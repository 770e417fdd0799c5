//! S7comm-plus functions, and what their first arguments tell about the intent.
//!
//! Unpublished; function codes and object numbers from T. Wiens' dissector and S7CommPlusDriver, checked on captures.

use crate::protocol::bytes::Bytes;
use crate::protocol::command::Action;

/// One row: code, text, name, action where the arguments tell no more.
pub(super) type Row = (u16, &'static str, &'static str, Action);

/// The row of a function code.
pub(super) fn row(code: u16) -> Option<&'static Row> {
    FUNCTIONS.iter().find(|row| row.0 == code)
}

pub(super) const CREATE_OBJECT: u16 = 0x04ca;
const DELETE_OBJECT: u16 = 0x04d4;
const SET_VARIABLE: u16 = 0x04f2;
const SET_MULTI_VARIABLES: u16 = 0x0542;
/// From here on the connection is TLS.
pub(super) const INIT_SSL: u16 = 0x05b3;

/// The object that holds the program's blocks.
const PLC_PROGRAM: u32 = 3;
/// The object that runs the program, and its attribute that is set to stop or start it.
const CPU_EXEC_UNIT: u32 = 52;
const OPERATING_STATE_REQUEST: u64 = 2167;
/// Attributes of a session that answer a password challenge.
const SESSION_RESPONSE: u64 = 304;
const LEGITIMATE: u64 = 1846;
/// Program blocks have object numbers 8A tt nn nn: type and number.
const BLOCKS: u8 = 0x8a;

/// Name and action of a request, `arguments` being what follows its transport flags.
pub(super) fn intent(row: &Row, session: u32, arguments: &[u8]) -> (&'static str, Action) {
    let plain = (row.2, row.3);
    let Some(object) = arguments.be32(0) else { return plain };
    let attributes = arguments.tail(4);
    match row.0 {
        // Blocks are created inside the program; sessions and subscriptions elsewhere.
        CREATE_OBJECT if object == PLC_PROGRAM => ("create program block", Action::Program),
        DELETE_OBJECT if arguments.u8_at(0) == Some(BLOCKS) => ("delete program block", Action::Program),
        SET_VARIABLE | SET_MULTI_VARIABLES
            if object == CPU_EXEC_UNIT && sets(attributes, OPERATING_STATE_REQUEST) =>
        {
            ("set plc operating state", Action::Control)
        }
        SET_VARIABLE | SET_MULTI_VARIABLES if object == session && object != 0 => {
            if sets(attributes, SESSION_RESPONSE) || sets(attributes, LEGITIMATE) {
                ("legitimation", Action::Auth)
            } else {
                ("set session parameters", Action::Session)
            }
        }
        _ => plain,
    }
}

/// Whether the attribute is among the first: one or two counts precede the list.
fn sets(mut list: &[u8], attribute: u64) -> bool {
    for _ in 0..8 {
        let Some((value, len)) = variable_length(list) else { return false };
        if value == attribute {
            return true;
        }
        list = list.tail(len);
    }
    false
}

/// A variable-length number and its length: seven bits a byte, eight in the ninth.
pub(super) fn variable_length(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | u64::from(*byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at.saturating_add(1)));
        }
    }
    None
}

#[rustfmt::skip]
const FUNCTIONS: &[Row] = &[
    (0x04b1,        "0x04b1", "error",                   Action::Other),
    (0x04bb,        "0x04bb", "explore",                 Action::Discover),
    (CREATE_OBJECT, "0x04ca", "create object",           Action::Session),
    (DELETE_OBJECT, "0x04d4", "delete object",           Action::Session),
    (SET_VARIABLE,  "0x04f2", "set variable",            Action::Write),
    (0x0524,        "0x0524", "get link",                Action::Read),
    (SET_MULTI_VARIABLES, "0x0542", "set multiple variables", Action::Write),
    (0x054c,        "0x054c", "get multiple variables",  Action::Read),
    (0x0556,        "0x0556", "begin sequence",          Action::Session),
    (0x0560,        "0x0560", "end sequence",            Action::Session),
    (0x056b,        "0x056b", "invoke",                  Action::Other),
    (0x057c,        "0x057c", "set variable substreamed", Action::Write),
    (0x0586,        "0x0586", "get variable substreamed", Action::Read),
    (0x0590,        "0x0590", "get variables address",   Action::Read),
    (0x059a,        "0x059a", "abort",                   Action::Session),
    (0x05a9,        "0x05a9", "error",                   Action::Other),
    (INIT_SSL,      "0x05b3", "start tls",               Action::Session),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_texts_match_their_codes() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FUNCTIONS.iter().all(|row| row.1 == format!("{:#06x}", row.0)));
    }

    #[test]
    fn numbers_of_one_to_nine_bytes() {
        assert_eq!(variable_length(&[0x00, 0xff]), Some((0, 1)));
        assert_eq!(variable_length(&[0x82, 0x32]), Some((306, 2)));
        // The return value of a refused read in a real answer: bit 63 set, -12 in the low 16 bits.
        let refused = [0xc0, 0x88, 0x95, 0xb0, 0x80, 0xef, 0x91, 0xff, 0xf4];
        assert_eq!(
            variable_length(&refused).map(|(value, len)| (value >> 63, value & 0xffff, len)),
            Some((1, 0xfff4, 9))
        );
        assert_eq!(variable_length(&[0x80, 0x80]), None);
    }

    #[test]
    fn a_write_to_the_own_session_is_no_write() {
        let set = row(SET_MULTI_VARIABLES).expect("known");
        assert_eq!(intent(set, 0x3be, &[0, 0, 3, 0xbe, 1, 1, 0x82, 0x32]).1, Action::Session);
        assert_eq!(intent(set, 0x3be, &[0, 0, 3, 0xbe, 1, 1, 0x82, 0x30]).1, Action::Auth);
        assert_eq!(intent(set, 0x3be, &[0, 0, 0, 0, 1, 4, 0x82, 0x32]).1, Action::Write);
    }

    #[test]
    fn the_operating_state_is_control() {
        let set = row(SET_VARIABLE).expect("known");
        assert_eq!(intent(set, 0x3be, &[0, 0, 0, 52, 1, 0x90, 0x77]).1, Action::Control);
        assert_eq!(intent(set, 0x3be, &[0, 0, 0, 52, 1, 0x90, 0x78]).1, Action::Write);
    }
}
