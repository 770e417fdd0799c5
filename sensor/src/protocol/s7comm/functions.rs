//! S7comm function codes, user data functions, program invocation services and error names.
//!
//! Unpublished; the numbers and names are those of Wireshark's `packet-s7comm.c`, checked on captures.

use crate::protocol::command::Action;
use crate::protocol::text::Code;

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Function code, or `group << 8 | sub-function` of user data.
    pub code: u32,
    /// `0x29`, `4/1`.
    pub text: Code,
    /// The name, lower case.
    pub name: &'static str,
    /// The common view.
    pub action: Action,
}

/// The function of a job and of its acknowledgement.
pub fn job(code: u8) -> Function {
    let row = JOBS.iter().find(|row| row.0 == code);
    Function {
        code: u32::from(code),
        text: row.map_or_else(|| format_args!("{code:#04x}").into(), |row| row.1.into()),
        name: row.map_or("unknown function", |row| row.2),
        action: row.map_or(Action::Other, |row| row.3),
    }
}

/// The function of user data.
pub fn user_data(group: u8, sub: u8) -> Function {
    let row = USER_DATA.iter().find(|row| (row.0, row.1) == (group, sub));
    Function {
        code: u32::from(group) << 8 | u32::from(sub),
        text: row.map_or_else(|| format_args!("{group}/{sub}").into(), |row| row.2.into()),
        name: row.map_or_else(|| group_name(group), |row| row.3),
        action: row.map_or(Action::Other, |row| row.4),
    }
}

/// What a program invocation service does. One argument of P_PROGRAM tells a cold restart from a warm one.
pub fn program_invocation(service: &[u8], argument: &[u8]) -> (&'static str, Action) {
    match service {
        b"P_PROGRAM" if argument.starts_with(b"C") => ("pi service: cold restart", Action::Control),
        b"P_PROGRAM" => ("pi service: start plc", Action::Control),
        b"_INSE" | b"_INS2" => ("pi service: activate block", Action::Program),
        b"_DELE" => ("pi service: delete block", Action::Program),
        b"_MODU" => ("pi service: copy ram to rom", Action::Program),
        // Moves blocks together in memory; the program stays what it was.
        b"_GARB" => ("pi service: compress memory", Action::Configure),
        _ => ("pi service", Action::Other),
    }
}

/// The letter code of a block type in a file name or block function.
pub const fn block_type(code: &[u8]) -> Option<&'static str> {
    Some(match code {
        b"08" => "OB",
        b"0A" => "DB",
        b"0B" => "SDB",
        b"0C" => "FC",
        b"0D" => "SFC",
        b"0E" => "FB",
        b"0F" => "SFB",
        _ => return None,
    })
}

/// The name of an error class and code: of a header, or of user data parameters.
pub const fn error(code: u16) -> &'static str {
    match code {
        0x8104 => "service not implemented or frame error",
        0x8500 => "wrong pdu size",
        0xd209 => "block does not exist",
        0xd20e => "no block exists",
        0xd240 => "coordination rules violated",
        0xd241 => "operation not permitted in current protection level",
        0xd401 => "invalid szl id",
        0xd402 => "invalid szl index",
        0xd602 => "incorrect password",
        0xd605 => "connection already cleared",
        _ => match code >> 8 {
            0x81 => "application relationship error",
            0x82 => "object definition error",
            0x83 => "no resources available",
            0x84 => "error on service processing",
            0x85 => "error on supplies",
            0x87 => "access error",
            _ => "error",
        },
    }
}

/// The return code of a data item that was accepted.
pub const SUCCESS: u8 = 0xff;

/// The name of a data item's return code.
pub const fn item_error(code: u8) -> &'static str {
    match code {
        0x01 => "hardware error",
        0x03 => "access to object not allowed",
        0x05 => "invalid address",
        0x06 => "data type not supported",
        0x07 => "data type inconsistent",
        0x0a => "object does not exist",
        _ => "error",
    }
}

const fn group_name(group: u8) -> &'static str {
    match group {
        0 => "mode transition",
        1 => "programmer command",
        2 => "cyclic service",
        3 => "block function",
        4 => "cpu function",
        5 => "security",
        6 => "pbc bsend/brecv",
        7 => "time function",
        15 => "nc programming",
        _ => "unknown user data",
    }
}

#[rustfmt::skip]
const JOBS: &[(u8, &str, &str, Action)] = &[
    (0x00, "0x00", "cpu services",        Action::Other),
    (0x04, "0x04", "read variable",       Action::Read),
    (0x05, "0x05", "write variable",      Action::Write),
    (0x1a, "0x1a", "request download",    Action::Program),
    (0x1b, "0x1b", "download block",      Action::Program),
    (0x1c, "0x1c", "download ended",      Action::Program),
    (0x1d, "0x1d", "start upload",        Action::ReadProgram),
    (0x1e, "0x1e", "upload",              Action::ReadProgram),
    (0x1f, "0x1f", "end upload",          Action::ReadProgram),
    (0x28, "0x28", "pi service",          Action::Other),
    (0x29, "0x29", "plc stop",            Action::Control),
    (0xf0, "0xf0", "setup communication", Action::Session),
];

#[rustfmt::skip]
const USER_DATA: &[(u8, u8, &str, &str, Action)] = &[
    (0, 0x00, "0/0",   "mode transition: stop",         Action::Other),
    (0, 0x01, "0/1",   "mode transition: warm restart", Action::Other),
    (0, 0x02, "0/2",   "mode transition: run",          Action::Other),
    (0, 0x03, "0/3",   "mode transition: hot restart",  Action::Other),
    (0, 0x04, "0/4",   "mode transition: hold",         Action::Other),
    (0, 0x06, "0/6",   "mode transition: cold restart", Action::Other),
    (1, 0x01, "1/1",   "block status",                  Action::Read),
    (1, 0x02, "1/2",   "variable status",               Action::Read),
    (1, 0x03, "1/3",   "output istack",                 Action::Read),
    (1, 0x04, "1/4",   "output bstack",                 Action::Read),
    (1, 0x05, "1/5",   "output lstack",                 Action::Read),
    (1, 0x06, "1/6",   "time measurement",              Action::Read),
    (1, 0x07, "1/7",   "force selection",               Action::Write),
    (1, 0x08, "1/8",   "modify variable",               Action::Write),
    (1, 0x09, "1/9",   "force",                         Action::Write),
    (1, 0x0a, "1/10",  "breakpoint",                    Action::Control),
    (1, 0x0b, "1/11",  "exit hold",                     Action::Control),
    (1, 0x0c, "1/12",  "memory reset",                  Action::Control),
    (1, 0x0d, "1/13",  "disable job",                   Action::Write),
    (1, 0x0e, "1/14",  "enable job",                    Action::Write),
    (1, 0x0f, "1/15",  "delete job",                    Action::Write),
    (1, 0x10, "1/16",  "read job list",                 Action::Read),
    (1, 0x11, "1/17",  "read job",                      Action::Read),
    (1, 0x12, "1/18",  "replace job",                   Action::Write),
    (1, 0x13, "1/19",  "block status v2",               Action::Read),
    (1, 0x16, "1/22",  "flash led",                     Action::Other),
    (2, 0x01, "2/1",   "cyclic transfer",               Action::Read),
    (2, 0x04, "2/4",   "unsubscribe",                   Action::Session),
    (2, 0x05, "2/5",   "change driven transfer",        Action::Read),
    (2, 0x07, "2/7",   "change driven transfer modify", Action::Read),
    (2, 0x08, "2/8",   "read record",                   Action::Read),
    (3, 0x01, "3/1",   "list blocks",                   Action::Discover),
    (3, 0x02, "3/2",   "list blocks of type",           Action::Discover),
    (3, 0x03, "3/3",   "get block info",                Action::Discover),
    (4, 0x01, "4/1",   "read szl",                      Action::Discover),
    (4, 0x02, "4/2",   "message service",               Action::Session),
    (4, 0x03, "4/3",   "diagnostic message",            Action::Other),
    (4, 0x05, "4/5",   "alarm_8 indication",            Action::Other),
    (4, 0x06, "4/6",   "notify indication",             Action::Other),
    (4, 0x07, "4/7",   "alarm_8 lock",                  Action::Configure),
    (4, 0x08, "4/8",   "alarm_8 unlock",                Action::Configure),
    (4, 0x09, "4/9",   "scan indication",               Action::Other),
    (4, 0x0b, "4/11",  "alarm acknowledge",             Action::Other),
    (4, 0x0c, "4/12",  "alarm acknowledge indication",  Action::Other),
    (4, 0x0d, "4/13",  "alarm lock indication",         Action::Other),
    (4, 0x0e, "4/14",  "alarm unlock indication",       Action::Other),
    (4, 0x11, "4/17",  "alarm_sq indication",           Action::Other),
    (4, 0x12, "4/18",  "alarm_s indication",            Action::Other),
    (4, 0x13, "4/19",  "alarm query",                   Action::Read),
    (4, 0x16, "4/22",  "notify_8 indication",           Action::Other),
    (5, 0x01, "5/1",   "plc password",                  Action::Auth),
    (7, 0x01, "7/1",   "read clock",                    Action::Discover),
    (7, 0x02, "7/2",   "set clock",                     Action::Configure),
    (7, 0x03, "7/3",   "read clock following",          Action::Discover),
    (7, 0x04, "7/4",   "set clock",                     Action::Configure),
    (15, 0x01, "15/1", "nc: request download",          Action::Program),
    (15, 0x02, "15/2", "nc: download block",            Action::Program),
    (15, 0x03, "15/3", "nc: continue download",         Action::Program),
    (15, 0x04, "15/4", "nc: download ended",            Action::Program),
    (15, 0x06, "15/6", "nc: start upload",              Action::ReadProgram),
    (15, 0x07, "15/7", "nc: upload",                    Action::ReadProgram),
    (15, 0x08, "15/8", "nc: continue upload",           Action::ReadProgram),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_their_texts_match_their_codes() {
        assert!(JOBS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(JOBS.iter().all(|row| row.1 == format!("{:#04x}", row.0)));
        assert!(USER_DATA.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        assert!(USER_DATA.iter().all(|row| row.2 == format!("{}/{}", row.0, row.1)));
    }

    #[test]
    fn services_mean_what_they_do_to_the_controller() {
        assert_eq!(program_invocation(b"P_PROGRAM", b"").1, Action::Control);
        assert_eq!(program_invocation(b"P_PROGRAM", b"C ").0, "pi service: cold restart");
        assert_eq!(program_invocation(b"_MODU", b"EP").1, Action::Program);
        assert_eq!(program_invocation(b"_N_LOGIN_", b"").1, Action::Other);
    }
}
