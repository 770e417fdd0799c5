//! PCCC commands (Allen-Bradley publication 1770-6.5.16, chapter 7), as PLC-5, SLC 500 and MicroLogix take them inside
//! CIP's `execute pccc` and in [`csp`](crate::protocol::csp).

use crate::protocol::bytes::{Bytes, text};
use crate::protocol::command::{Action, Status};
use crate::protocol::text::Text;

/// What a PCCC message asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Command and function: `pccc 0x0f/0xa2`.
    pub text: Text,
    /// The name in the manual, lower case.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
}

/// The PCCC message behind the requestor's id, whose first byte counts it.
fn message(data: &[u8]) -> Option<&[u8]> {
    data.get(usize::from(data.u8_at(0)?)..).filter(|message| !message.is_empty())
}

/// What a request in CIP asks, behind the requestor's id.
pub fn function(data: &[u8]) -> Option<Function> {
    asked(message(data)?)
}

/// What a request asks: command, status, two bytes of transaction, function.
pub fn asked(message: &[u8]) -> Option<Function> {
    let command = message.u8_at(0)? & 0x0f;
    let function = match command {
        0x06 | 0x07 | 0x0f => Some(message.u8_at(4)?),
        _ => None,
    };
    let row =
        FUNCTIONS.iter().find(|row| row.0 == command && function.is_none_or(|function| row.1 == function));
    let (name, action) = row.map_or(("unknown pccc function", Action::Other), |row| (row.2, row.3));
    let text = match function {
        Some(function) => format_args!("pccc {command:#04x}/{function:#04x}").into(),
        None => format_args!("pccc {command:#04x}").into(),
    };
    Some(Function { text, name, action })
}

/// How a request in CIP fared.
pub fn status(data: &[u8]) -> Option<Status> {
    answered(message(data)?)
}

/// How it fared: the status byte, remote errors in its upper half, local ones in the lower.
pub fn answered(message: &[u8]) -> Option<Status> {
    let code = message.u8_at(1)?;
    Some(match code {
        0 => Status::Ok,
        _ => Status::Refused(u32::from(code), error(code)),
    })
}

/// What a processor says it is in its answer to "diagnostic status" (SLC 500 and MicroLogix: type extender 0xee, name from byte 5 on).
pub fn model(message: &[u8]) -> Option<Box<str>> {
    let data = message.tail(4);
    let name = text(data.slice(5, 11)?);
    (data.u8_at(1)? == 0xee && !name.is_empty()).then_some(name)
}

/// As [`model`], behind the requestor's id.
pub fn stated(data: &[u8]) -> Option<Box<str>> {
    model(message(data)?)
}

/// The name of the function whose answer [`model`] reads.
pub const STATUS: &str = "diagnostic status";

const fn error(code: u8) -> &'static str {
    match code {
        0x10 => "illegal command or format",
        0x20 => "host has a problem",
        0x30 => "remote host missing",
        0x40 => "hardware fault",
        0x50 => "addressing problem or memory protect rungs",
        0x60 => "function not allowed due to command protection",
        0x70 => "processor is in program mode",
        0x80 => "compatibility mode file missing",
        0x90 => "remote node cannot buffer command",
        0xb0 => "remote node problem due to download",
        0xf0 => "extended status",
        _ => "error",
    }
}

#[rustfmt::skip]
const FUNCTIONS: &[(u8, u8, &str, Action)] = &[
    (0x00, 0x00, "protected write",                               Action::Write),
    (0x01, 0x00, "unprotected read",                              Action::Read),
    (0x02, 0x00, "protected bit write",                           Action::Write),
    (0x03, 0x00, "physical write",                                Action::Program),
    (0x04, 0x00, "physical read",                                 Action::ReadProgram),
    (0x05, 0x00, "unprotected bit write",                         Action::Write),
    (0x06, 0x00, "echo",                                          Action::Session),
    (0x06, 0x01, "read diagnostic counters",                      Action::Discover),
    (0x06, 0x02, "set variables",                                 Action::Configure),
    (0x06, 0x03, STATUS,                                          Action::Discover),
    (0x06, 0x04, "set timeout",                                   Action::Configure),
    (0x06, 0x05, "set naks",                                      Action::Configure),
    (0x06, 0x06, "set enqs",                                      Action::Configure),
    (0x06, 0x07, "reset diagnostic counters",                     Action::Configure),
    (0x06, 0x08, "set data table size",                           Action::Configure),
    (0x06, 0x09, "read link parameters",                          Action::Discover),
    (0x06, 0x0a, "set link parameters",                           Action::Configure),
    (0x07, 0x00, "disable outputs",                               Action::Control),
    (0x07, 0x01, "enable outputs",                                Action::Control),
    (0x07, 0x03, "enable plc scanning",                           Action::Control),
    (0x07, 0x04, "enter download mode",                           Action::Program),
    (0x07, 0x05, "exit download or upload mode",                  Action::Program),
    (0x07, 0x06, "enter upload mode",                             Action::ReadProgram),
    (0x08, 0x00, "unprotected write",                             Action::Write),
    (0x0f, 0x00, "word range write",                              Action::Write),
    (0x0f, 0x01, "word range read",                               Action::Read),
    (0x0f, 0x02, "bit write",                                     Action::Write),
    (0x0f, 0x03, "file write",                                    Action::Write),
    (0x0f, 0x04, "file read",                                     Action::Read),
    (0x0f, 0x05, "download request",                              Action::Program),
    (0x0f, 0x06, "upload",                                        Action::ReadProgram),
    (0x0f, 0x07, "shutdown",                                      Action::Control),
    (0x0f, 0x0a, "restart request",                               Action::Control),
    (0x0f, 0x11, "get edit resource",                             Action::Program),
    (0x0f, 0x12, "return edit resource",                          Action::Program),
    (0x0f, 0x17, "read bytes physical",                           Action::ReadProgram),
    (0x0f, 0x18, "write bytes physical",                          Action::Program),
    (0x0f, 0x26, "read modify write",                             Action::Write),
    (0x0f, 0x29, "read section size",                             Action::Discover),
    (0x0f, 0x3a, "set cpu mode",                                  Action::Control),
    (0x0f, 0x41, "disable forces",                                Action::Write),
    (0x0f, 0x50, "download all request",                          Action::Program),
    (0x0f, 0x52, "download completed",                            Action::Program),
    (0x0f, 0x53, "upload all request",                            Action::ReadProgram),
    (0x0f, 0x55, "upload completed",                              Action::ReadProgram),
    (0x0f, 0x57, "initialize memory",                             Action::Program),
    (0x0f, 0x5e, "modify plc-2 compatibility file",               Action::Configure),
    (0x0f, 0x67, "typed write",                                   Action::Write),
    (0x0f, 0x68, "typed read",                                    Action::Read),
    (0x0f, 0x79, "read modify write n",                           Action::Write),
    (0x0f, 0x80, "change mode",                                   Action::Control),
    (0x0f, 0x81, "open file",                                     Action::Session),
    (0x0f, 0x82, "close file",                                    Action::Session),
    (0x0f, 0x8f, "apply port configuration",                      Action::Configure),
    (0x0f, 0xa1, "protected typed logical read, two addresses",   Action::Read),
    (0x0f, 0xa2, "protected typed logical read, three addresses", Action::Read),
    (0x0f, 0xa7, "protected typed file read",                     Action::ReadProgram),
    (0x0f, 0xa9, "protected typed logical write, two addresses",  Action::Write),
    (0x0f, 0xaa, "protected typed logical write, three addresses", Action::Write),
    (0x0f, 0xab, "protected typed logical write with mask",       Action::Write),
    (0x0f, 0xaf, "protected typed file write",                    Action::Program),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The requestor's id: its length, vendor, serial number.
    const REQUESTOR: [u8; 7] = [7, 0x4d, 0, 1, 2, 3, 4];

    fn asked(pccc: &[u8]) -> Function {
        function(&[&REQUESTOR, pccc].concat()).unwrap()
    }

    #[test]
    fn the_inner_command_says_what_is_done() {
        let read = asked(&[0x0f, 0, 1, 0, 0xa2, 4, 7, 0x89, 0, 0]);
        assert_eq!((read.name, read.action), ("protected typed logical read, three addresses", Action::Read));
        assert_eq!(&*read.text, "pccc 0x0f/0xa2");
        assert_eq!(asked(&[0x0f, 0, 1, 0, 0x80, 0x06]).action, Action::Control);
        assert_eq!(asked(&[0x0f, 0, 1, 0, 0xaa, 2]).action, Action::Write);
        assert_eq!(asked(&[0x08, 0, 1, 0, 0x10, 0]).name, "unprotected write");
    }

    #[test]
    fn the_status_byte_refuses() {
        let reply = [&REQUESTOR[..], &[0x4f, 0x70, 1, 0]].concat();
        assert_eq!(status(&reply), Some(Status::Refused(0x70, "processor is in program mode")));
        assert_eq!(status(&[7]), None);
    }

    #[test]
    fn a_diagnostic_status_tells_the_processor() {
        let reply =
            [&REQUESTOR[..], &[0x46, 0, 1, 0, 0, 0xee, 0x31, 0x5b, 0x23], b"5/04       \x0b\x08"].concat();
        assert_eq!(stated(&reply).as_deref(), Some("5/04"));
        assert_eq!(stated(&reply[..18]), None);
    }

    #[test]
    fn functions_are_sorted() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
    }
}
