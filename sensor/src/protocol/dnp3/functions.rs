//! Application function codes, internal indications and control status (IEEE 1815 clauses 4 and 11, annex A).

use crate::protocol::command::{Action, Status};

/// Confirms a fragment.
pub const CONFIRM: u8 = 0;
/// Reads objects.
pub const READ: u8 = 1;
/// Writes objects.
pub const WRITE: u8 = 2;
/// Opens a file.
pub const OPEN_FILE: u8 = 25;
/// Answers.
pub const RESPONSE: u8 = 129;
/// Told unasked.
pub const UNSOLICITED: u8 = 130;

/// Code text, name and action of a function.
pub fn describe(code: u8) -> Option<(&'static str, &'static str, Action)> {
    let row = FUNCTIONS.binary_search_by_key(&code, |row| row.0).ok().and_then(|at| FUNCTIONS.get(at))?;
    Some((row.1, row.2, row.3))
}

#[rustfmt::skip]
const FUNCTIONS: &[(u8, &str, &str, Action)] = &[
    (0,   "0",   "confirm",                      Action::Session),
    (1,   "1",   "read",                         Action::Read),
    (2,   "2",   "write",                        Action::Write),
    (3,   "3",   "select",                       Action::Write),
    (4,   "4",   "operate",                      Action::Write),
    (5,   "5",   "direct operate",               Action::Write),
    (6,   "6",   "direct operate, no response",  Action::Write),
    (7,   "7",   "immediate freeze",             Action::Write),
    (8,   "8",   "immediate freeze, no response", Action::Write),
    (9,   "9",   "freeze and clear",             Action::Write),
    (10,  "10",  "freeze and clear, no response", Action::Write),
    (11,  "11",  "freeze at time",               Action::Write),
    (12,  "12",  "freeze at time, no response",  Action::Write),
    (13,  "13",  "cold restart",                 Action::Control),
    (14,  "14",  "warm restart",                 Action::Control),
    (15,  "15",  "initialize data",              Action::Control),
    (16,  "16",  "initialize application",       Action::Control),
    (17,  "17",  "start application",            Action::Control),
    (18,  "18",  "stop application",             Action::Control),
    (19,  "19",  "save configuration",           Action::Configure),
    (20,  "20",  "enable unsolicited",           Action::Configure),
    (21,  "21",  "disable unsolicited",          Action::Configure),
    (22,  "22",  "assign class",                 Action::Configure),
    (23,  "23",  "delay measurement",            Action::Read),
    (24,  "24",  "record current time",          Action::Session),
    (25,  "25",  "open file",                    Action::Read),
    (26,  "26",  "close file",                   Action::Session),
    (27,  "27",  "delete file",                  Action::Program),
    (28,  "28",  "get file info",                Action::Discover),
    (29,  "29",  "authenticate file",            Action::Auth),
    (30,  "30",  "abort file",                   Action::Session),
    (31,  "31",  "activate configuration",       Action::Program),
    (32,  "32",  "authentication request",       Action::Auth),
    (33,  "33",  "authentication request, no response", Action::Auth),
    (129, "129", "response",                     Action::Other),
    (130, "130", "unsolicited response",         Action::Read),
    (131, "131", "authentication response",      Action::Auth),
];

/// How a request fared, by the second octet of internal indications.
pub const fn indications(iin2: u8) -> Status {
    let name = match iin2 {
        _ if iin2 & 0x01 != 0 => "function code not supported",
        _ if iin2 & 0x02 != 0 => "object unknown",
        _ if iin2 & 0x04 != 0 => "parameter error",
        _ if iin2 & 0x10 != 0 => "operation already executing",
        _ => return Status::Ok,
    };
    Status::Refused(iin2 as u32, name)
}

/// How a control fared, by the status in its echoed object.
pub const fn control(status: u8) -> Status {
    let name = match status & 0x7f {
        0 => return Status::Ok,
        1 => "timeout",
        2 => "no select",
        3 => "format error",
        4 => "not supported",
        5 => "already active",
        6 => "hardware error",
        7 => "local",
        8 => "too many objects",
        9 => "not authorized",
        10 => "automation inhibit",
        11 => "processing limited",
        12 => "out of range",
        13 => "downstream local",
        14 => "already complete",
        15 => "blocked",
        16 => "cancelled",
        17 => "blocked by other master",
        18 => "downstream fail",
        126 => "non-participating",
        _ => "undefined",
    };
    Status::Refused((status & 0x7f) as u32, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_texts_match_their_codes() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FUNCTIONS.iter().all(|row| row.1 == row.0.to_string()));
    }

    #[test]
    fn restarts_and_stopping_the_application_control_the_device() {
        for code in [13, 14, 18] {
            assert_eq!(describe(code).map(|row| row.2), Some(Action::Control), "{code}");
        }
        assert_eq!(describe(34), None);
    }

    #[test]
    fn device_restart_and_trouble_are_no_refusal() {
        assert_eq!(indications(0x20), Status::Ok);
        assert_eq!(indications(0x02), Status::Refused(2, "object unknown"));
    }
}
