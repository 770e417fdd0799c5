//! Modbus function codes, diagnostic sub-functions and exceptions.
//!
//! Modbus Application Protocol V1.1b3 sections 5 and 6; codes outside it as Zeek's `modbus/consts.zeek` names them.

use crate::protocol::command::Action;
use crate::protocol::text::Code;

/// What a function code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// `code`, or `code << 8 | sub-code`.
    pub code: u32,
    /// As the field writes it: `3`, `8/0x01`, `43/14`, `90/0x41`.
    pub text: Code,
    /// The name, lower case.
    pub name: &'static str,
    /// The common view.
    pub action: Action,
}

/// One row of a table of functions: code, text, name, action.
pub(super) type Row = (u8, &'static str, &'static str, Action);

/// The row of that code, as a function whose code is `high << 8 | code`.
pub(super) fn lookup(table: &'static [Row], high: u8, code: u8) -> Option<Function> {
    let (_, text, name, action) = table.iter().find(|row| row.0 == code)?;
    Some(Function {
        code: u32::from(high) << 8 | u32::from(code),
        text: (*text).into(),
        name,
        action: *action,
    })
}

/// The function of a code without sub-codes (or whose sub-code the message does not hold).
pub fn plain(code: u8) -> Function {
    lookup(FUNCTIONS, 0, code).unwrap_or_else(|| Function {
        code: u32::from(code),
        text: format_args!("{code}").into(),
        name: if code == 0 || code >= 0x80 { "illegal function" } else { "unknown function" },
        action: Action::Other,
    })
}

/// A sub-function of diagnostics (function 8).
pub fn diagnostics(sub: u16) -> Function {
    u8::try_from(sub).ok().and_then(|sub| lookup(DIAGNOSTICS, 8, sub)).unwrap_or_else(|| Function {
        code: 8 << 8 | u32::from(sub.min(0xff)),
        text: format_args!("8/{sub:#04x}").into(),
        name: "diagnostics: reserved",
        action: Action::Other,
    })
}

/// An encapsulated interface (function 43) by its MEI type.
pub fn encapsulated(mei: u8) -> Function {
    lookup(ENCAPSULATED, 43, mei).unwrap_or_else(|| Function {
        code: 43 << 8 | u32::from(mei),
        text: format_args!("43/{mei}").into(),
        name: "encapsulated interface transport",
        action: Action::Other,
    })
}

/// The name of an exception code (section 7).
pub const fn exception(code: u8) -> &'static str {
    match code {
        1 => "illegal function",
        2 => "illegal data address",
        3 => "illegal data value",
        4 => "server device failure",
        ACKNOWLEDGE => "acknowledge",
        6 => "server device busy",
        7 => "negative acknowledge",
        8 => "memory parity error",
        10 => "gateway path unavailable",
        11 => "gateway target device failed to respond",
        _ => "unknown exception",
    }
}

/// The exception that is none: "the server has accepted the request and is processing it" (section 7).
pub const ACKNOWLEDGE: u8 = 5;

#[rustfmt::skip]
const FUNCTIONS: &[Row] = &[
    (1,   "1",   "read coils",                       Action::Read),
    (2,   "2",   "read discrete inputs",             Action::Read),
    (3,   "3",   "read holding registers",           Action::Read),
    (4,   "4",   "read input registers",             Action::Read),
    (5,   "5",   "write single coil",                Action::Write),
    (6,   "6",   "write single register",            Action::Write),
    (7,   "7",   "read exception status",            Action::Discover),
    (8,   "8",   "diagnostics",                      Action::Other),
    (9,   "9",   "program 484",                      Action::Program),
    (10,  "10",  "poll 484",                         Action::Program),
    (11,  "11",  "get comm event counter",           Action::Discover),
    (12,  "12",  "get comm event log",               Action::Discover),
    (13,  "13",  "program 584/984",                  Action::Program),
    (14,  "14",  "poll 584/984",                     Action::Program),
    (15,  "15",  "write multiple coils",             Action::Write),
    (16,  "16",  "write multiple registers",         Action::Write),
    (17,  "17",  "report server id",                 Action::Discover),
    (18,  "18",  "program 884/u84",                  Action::Program),
    (19,  "19",  "reset comm link 884/u84",          Action::Program),
    (20,  "20",  "read file record",                 Action::Read),
    (21,  "21",  "write file record",                Action::Write),
    (22,  "22",  "mask write register",              Action::Write),
    (23,  "23",  "read/write multiple registers",    Action::Write),
    (24,  "24",  "read fifo queue",                  Action::Read),
    (40,  "40",  "program concept",                  Action::Program),
    (41,  "41",  "multiple function codes",          Action::Other),
    (43,  "43",  "encapsulated interface transport", Action::Other),
    (90,  "90",  "umas",                             Action::Other),
    (91,  "91",  "object messaging",                 Action::Other),
    (125, "125", "firmware replacement",             Action::Program),
    (126, "126", "program 584/984 2",                Action::Program),
    (127, "127", "report local address",             Action::Discover),
];

#[rustfmt::skip]
const DIAGNOSTICS: &[Row] = &[
    (0x00, "8/0x00", "return query data",                      Action::Session),
    (0x01, "8/0x01", "restart communications",                 Action::Control),
    (0x02, "8/0x02", "return diagnostic register",             Action::Discover),
    (0x03, "8/0x03", "change ascii input delimiter",           Action::Configure),
    (0x04, "8/0x04", "force listen only mode",                 Action::Control),
    (0x0a, "8/0x0a", "clear counters and diagnostic register", Action::Configure),
    (0x0b, "8/0x0b", "return bus message count",               Action::Discover),
    (0x0c, "8/0x0c", "return bus communication error count",   Action::Discover),
    (0x0d, "8/0x0d", "return bus exception error count",       Action::Discover),
    (0x0e, "8/0x0e", "return server message count",            Action::Discover),
    (0x0f, "8/0x0f", "return server no response count",        Action::Discover),
    (0x10, "8/0x10", "return server nak count",                Action::Discover),
    (0x11, "8/0x11", "return server busy count",               Action::Discover),
    (0x12, "8/0x12", "return bus character overrun count",     Action::Discover),
    (0x14, "8/0x14", "clear overrun counter and flag",         Action::Configure),
    (0x15, "8/0x15", "get/clear modbus plus statistics",       Action::Discover),
];

const ENCAPSULATED: &[Row] = &[
    (13, "43/13", "canopen general reference", Action::Other),
    (14, "43/14", "read device identification", Action::Discover),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_their_texts_match_their_codes() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FUNCTIONS.iter().all(|row| row.1 == row.0.to_string()));
        assert!(DIAGNOSTICS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(DIAGNOSTICS.iter().all(|row| row.1 == format!("8/{:#04x}", row.0)));
    }

    #[test]
    fn restart_and_listen_only_control_the_device() {
        assert_eq!(diagnostics(1).action, Action::Control);
        assert_eq!(diagnostics(4).action, Action::Control);
        assert_eq!(diagnostics(4).code, 0x0804);
    }

    #[test]
    fn unknown_codes_keep_their_number() {
        assert_eq!((plain(99).code, &*plain(99).text), (99, "99"));
        assert_eq!((diagnostics(0x20).code, &*diagnostics(0x20).text), (0x0820, "8/0x20"));
        assert_eq!(diagnostics(0x1234).code, 0x08ff);
    }
}
