//! Encapsulation commands and status codes (CIP volume 2, 2-3.2 and 2-3.3).

use crate::protocol::command::Action;

/// Keeps a TCP connection open.
pub const NOP: u16 = 0x0000;
/// Which protocols a device encapsulates.
pub const LIST_SERVICES: u16 = 0x0004;
/// Who a device is.
pub const LIST_IDENTITY: u16 = 0x0063;
/// Which interfaces it has besides CIP.
pub const LIST_INTERFACES: u16 = 0x0064;
/// Opens a session.
pub const REGISTER_SESSION: u16 = 0x0065;
/// Ends it.
pub const UNREGISTER_SESSION: u16 = 0x0066;
/// A request or its response.
pub const SEND_RR_DATA: u16 = 0x006f;
/// A message of a CIP connection.
pub const SEND_UNIT_DATA: u16 = 0x0070;

#[rustfmt::skip]
const COMMANDS: &[(u16, &str, &str, Action)] = &[
    (NOP,                "0x0000", "nop",                Action::Session),
    (LIST_SERVICES,      "0x0004", "list services",      Action::Discover),
    (LIST_IDENTITY,      "0x0063", "list identity",      Action::Discover),
    (LIST_INTERFACES,    "0x0064", "list interfaces",    Action::Discover),
    (REGISTER_SESSION,   "0x0065", "register session",   Action::Session),
    (UNREGISTER_SESSION, "0x0066", "unregister session", Action::Session),
    (SEND_RR_DATA,       "0x006f", "send rr data",       Action::Session),
    (SEND_UNIT_DATA,     "0x0070", "send unit data",     Action::Session),
    (0x0072,             "0x0072", "indicate status",    Action::Session),
    (0x0073,             "0x0073", "cancel",             Action::Session),
];

/// Text, name and action of a command.
pub fn describe(code: u16) -> (&'static str, &'static str, Action) {
    let row = COMMANDS.iter().find(|row| row.0 == code);
    row.map_or(("0x????", "unknown command", Action::Other), |row| (row.1, row.2, row.3))
}

/// The name of a command that the specification knows.
pub fn name(code: u16) -> Option<&'static str> {
    COMMANDS.iter().find(|row| row.0 == code).map(|row| row.2)
}

/// Whether that is a status code.
pub const fn is_status(status: u32) -> bool {
    matches!(status, 0..=3 | 0x64 | 0x65 | 0x69 | 0x6a)
}

/// The name of a status.
pub const fn status(status: u32) -> &'static str {
    match status {
        0 => "success",
        1 => "invalid or unsupported command",
        2 => "insufficient memory",
        3 => "incorrect data",
        0x64 => "invalid session handle",
        0x65 => "invalid length",
        0x69 => "unsupported protocol revision",
        0x6a => "encapsulated cip service not allowed",
        _ => "unknown status",
    }
}
