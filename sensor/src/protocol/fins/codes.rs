//! Command codes, end codes and memory areas by name.

use crate::protocol::bytes::{Bytes as _, short};
use crate::protocol::command::{Action, Direction};
use crate::protocol::text::Text;

/// A command code: what it does and its name. `None`: no code of the CS/CJ series.
pub(super) const fn function(code: u16) -> Option<(Action, &'static str)> {
    Some(match code {
        0x0101 => (Action::Read, "memory area read"),
        0x0102 => (Action::Write, "memory area write"),
        0x0103 => (Action::Write, "memory area fill"),
        0x0104 => (Action::Read, "multiple memory area read"),
        0x0105 => (Action::Write, "memory area transfer"),
        0x0201 => (Action::Read, "parameter area read"),
        0x0202 => (Action::Configure, "parameter area write"),
        0x0203 => (Action::Configure, "parameter area clear"),
        0x0220 => (Action::Read, "data link table read"),
        0x0221 => (Action::Configure, "data link table write"),
        0x0304 => (Action::Configure, "program area protect"),
        0x0305 => (Action::Configure, "program area protect clear"),
        0x0306 => (Action::ReadProgram, "program area read"),
        0x0307 => (Action::Program, "program area write"),
        0x0308 => (Action::Program, "program area clear"),
        0x0401 => (Action::Control, "run"),
        0x0402 => (Action::Control, "stop"),
        0x0403 => (Action::Control, "reset"),
        0x0501 => (Action::Discover, "controller data read"),
        0x0502 => (Action::Discover, "connection data read"),
        0x0601 => (Action::Discover, "controller status read"),
        0x0602 => (Action::Discover, "network status read"),
        0x0603 => (Action::Discover, "data link status read"),
        0x0620 => (Action::Discover, "cycle time read"),
        0x0701 => (Action::Read, "clock read"),
        0x0702 => (Action::Configure, "clock write"),
        0x0801 => (Action::Session, "loop-back test"),
        0x0802 => (Action::Session, "broadcast test results read"),
        0x0803 => (Action::Session, "broadcast test data send"),
        0x0920 => (Action::Read, "message read or clear"),
        0x0c01 => (Action::Session, "access right acquire"),
        0x0c02 => (Action::Configure, "access right forced acquire"),
        0x0c03 => (Action::Session, "access right release"),
        0x2101 => (Action::Configure, "error clear"),
        0x2102 => (Action::Read, "error log read"),
        0x2103 => (Action::Configure, "error log clear"),
        0x2140 => (Action::Read, "access log read"),
        0x2141 => (Action::Configure, "access log clear"),
        0x2201 => (Action::Discover, "file name read"),
        0x2202 => (Action::ReadProgram, "single file read"),
        0x2203 => (Action::Program, "single file write"),
        0x2204 => (Action::Program, "memory card format"),
        0x2205 => (Action::Program, "file delete"),
        0x2206 => (Action::Configure, "volume label create or delete"),
        0x2207 => (Action::Program, "file copy"),
        0x2208 => (Action::Program, "file name change"),
        0x2209 => (Action::Read, "file data check"),
        0x220a => (Action::Write, "memory area file transfer"),
        0x220b => (Action::Configure, "parameter area file transfer"),
        0x220c => (Action::Program, "program area file transfer"),
        0x220f => (Action::Read, "file memory index read"),
        0x2210 => (Action::ReadProgram, "file memory read"),
        0x2211 => (Action::Program, "file memory write"),
        0x2301 => (Action::Write, "forced set or reset"),
        0x2302 => (Action::Write, "forced set or reset cancel"),
        0x230a => (Action::Read, "multiple forced status read"),
        0x2601 => (Action::Configure, "name set"),
        0x2602 => (Action::Configure, "name delete"),
        0x2603 => (Action::Discover, "name read"),
        _ => return None,
    })
}

/// What a request is about.
pub(super) fn object(code: u16, data: &[u8]) -> Option<Text> {
    match code {
        0x0101..=0x0103 => {
            let (area, word) = data.u8_at(0).zip(data.be16(1))?;
            let count = data.be16(4)?;
            Some(format_args!("{} {word} count {count}", self::area(area)).into())
        }
        0x0306..=0x0308 => Some(format_args!("program {:#x}", data.be16(0)?).into()),
        // Program number, then the mode, which older controllers leave out.
        0x0401 => {
            let mode = match data.u8_at(2) {
                Some(2) => "monitor",
                Some(4) | None => "run",
                Some(_) => "unknown",
            };
            Some(format_args!("mode {mode}").into())
        }
        0x2202 => data.slice(2, 12).map(short),
        0x2203 => data.slice(4, 12).map(short),
        0x2601 => Some(short(data)),
        _ => None,
    }
}

/// A memory area by its code (CS/CJ/NJ).
const fn area(code: u8) -> &'static str {
    match code {
        0x02 => "DM bit",
        0x30 => "CIO bit",
        0x31 => "work bit",
        0x32 => "holding bit",
        0x33 => "auxiliary bit",
        0x80 | 0xb0 => "CIO",
        0x82 => "DM",
        0x89 => "timer or counter",
        0xb1 => "work",
        0xb2 => "holding",
        0xb3 => "auxiliary",
        0x90..=0x98 | 0xa0..=0xac => "EM",
        0xbc => "EM bank number",
        0xdc => "index register",
        _ => "area",
    }
}

/// What sets a TCP connection up.
pub(super) const fn tcp(command: u32) -> (&'static str, Direction) {
    match command {
        0 => ("node address from client", Direction::Request),
        1 => ("node address from server", Direction::Response),
        3 => ("frame send error", Direction::Notification),
        6 => ("connection confirmation", Direction::Notification),
        _ => ("fins/tcp command", Direction::Notification),
    }
}

/// Why a TCP connection is refused.
pub(super) const fn tcp_error(code: u32) -> &'static str {
    match code {
        0x01 => "header is not FINS",
        0x02 => "data too long",
        0x03 => "command not supported",
        0x20 => "all connections in use",
        0x21 => "node already connected",
        0x22 => "protected node from an unspecified address",
        0x23 => "node address out of range",
        0x24 => "client and server with the same node address",
        0x25 => "all node addresses in use",
        _ => "unknown error",
    }
}

/// Why a command failed; the main code alone where the whole is not known.
pub(super) const fn end(code: u16) -> &'static str {
    match code {
        0x0001 => "service cancelled",
        0x0101 => "local node not in network",
        0x0204 => "destination node busy",
        0x0205 => "response timeout",
        0x0401 => "undefined command",
        0x0402 => "not supported by model or version",
        0x0501 => "destination not in routing table",
        0x0502 => "no routing table",
        0x1001 => "command too long",
        0x1002 => "command too short",
        0x1003 => "elements do not match data",
        0x1004 => "command format error",
        0x1101 => "area classification missing",
        0x1102 => "access size error",
        0x1103 => "address range error",
        0x1104 => "address range exceeded",
        0x1106 => "program missing",
        0x110b => "response too long",
        0x110c => "parameter error",
        0x2002 => "protected",
        0x2003 => "table missing",
        0x2004 => "data missing",
        0x2005 => "program missing",
        0x2006 => "file missing",
        0x2101 => "read only",
        0x2102 => "protected",
        0x2107 => "file already exists",
        0x2108 => "cannot change",
        0x2201 => "not possible while executing",
        0x2202 => "not possible while stopped",
        0x2203..=0x2206 => "wrong mode",
        0x2301 => "file device missing",
        0x2401 => "table error",
        0x2602 => "incorrect password",
        0x2604 => "protected",
        0x2605 => "service already executing",
        0x3001 => "no access right",
        0x4001 => "aborted",
        _ => match code >> 8 {
            0x01 => "local node error",
            0x02 => "destination node error",
            0x03 => "controller error",
            0x04 => "service unsupported",
            0x05 => "routing table error",
            0x10 => "command format error",
            0x11 => "parameter error",
            0x20 => "read not possible",
            0x21 => "write not possible",
            0x22 => "not executable in current mode",
            0x23 => "no such device",
            0x24 => "cannot start or stop",
            0x25 => "unit error",
            0x26 => "command error",
            0x30 => "access right error",
            _ => "error",
        },
    }
}
