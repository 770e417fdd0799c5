//! Services, memory areas, models and refusals by name (GE Fanuc GFK-0529, chapters 3 and 6).

use crate::protocol::bytes::Bytes as _;
use crate::protocol::command::Action;
use crate::protocol::text::Text;

/// Return controller type and id information.
pub(super) const TYPE_AND_ID: u32 = 0x43;

/// A service: what it does and its name.
pub(super) const fn service(code: u8) -> (Action, &'static str) {
    match code {
        0x00 => (Action::Discover, "plc short status"),
        0x03 => (Action::Discover, "return control program name"),
        0x04 => (Action::Read, "read system memory"),
        0x05 => (Action::Read, "read task memory"),
        0x06 => (Action::ReadProgram, "read program block memory"),
        0x07 => (Action::Write, "write system memory"),
        0x08 => (Action::Write, "write task memory"),
        0x09 => (Action::Program, "write program block memory"),
        0x15 => (Action::Session, "establish datagram"),
        0x16 => (Action::Read, "update datagram"),
        0x17 => (Action::Session, "cancel datagram"),
        0x20 => (Action::Auth, "programmer logon"),
        0x21 => (Action::Auth, "change plc cpu privilege level"),
        0x22 => (Action::Configure, "set plc cpu controller id"),
        0x23 => (Action::Control, "set plc state"),
        0x24 => (Action::Configure, "set plc time and date"),
        0x25 => (Action::Read, "return plc time and date"),
        0x38 => (Action::Read, "return fault table"),
        0x39 => (Action::Configure, "clear fault table"),
        0x3f => (Action::ReadProgram, "program store"),
        0x40 => (Action::Program, "program load"),
        0x43 => (Action::Discover, "return controller type and id"),
        0x44 => (Action::Write, "toggle force system memory"),
        0x48 => (Action::Write, "write datagram"),
        // Not in the manual; what clients open a session with.
        0x4f => (Action::Session, "possible session control"),
        _ => (Action::Other, "service request"),
    }
}

/// What a request is about; `request` begins with the service.
pub(super) fn object(code: u8, request: &[u8]) -> Option<Text> {
    match code {
        0x04 | 0x07 | 0x44 => {
            let (area, at) = (area(request.u8_at(1)?), u32::from(request.le16(2)?).saturating_add(1));
            Some(format_args!("{area}{at} count {}", request.le16(4)?).into())
        }
        0x23 => Some(state(request.u8_at(1)?).into()),
        _ => None,
    }
}

/// A memory area by its selector, by word, byte or bit.
const fn area(selector: u8) -> &'static str {
    match selector {
        0x08 => "%R",
        0x0a => "%AI",
        0x0c => "%AQ",
        0x10 | 0x46 => "%I",
        0x12 | 0x48 => "%Q",
        0x14 | 0x4a => "%T",
        0x16 | 0x4c => "%M",
        0x18 | 0x4e => "%SA",
        0x1a | 0x50 => "%SB",
        0x1c | 0x52 => "%SC",
        0x1e | 0x54 => "%S",
        0x38 | 0x56 => "%G",
        _ => "area ",
    }
}

const fn state(code: u8) -> &'static str {
    match code {
        0 => "run, i/o enabled",
        1 => "run, i/o disabled",
        2 => "stop, i/o disabled",
        6 => "stop, i/o enabled",
        _ => "unknown state",
    }
}

/// What types 0x0c and 0x10 call their processors.
pub(super) fn model(major: u8, minor: u8) -> Box<str> {
    let cpu = match (major, minor) {
        (0x0c, 0x1f) => "731",
        (0x0c, 0x20) => "732",
        (0x0c, 0x47) => "771",
        (0x0c, 0x48) => "772",
        (0x0c, 0x50) => "780",
        (0x0c, 0x51) => "781",
        (0x0c, 0x52) => "782",
        (0x0c, 0x58) => "788",
        (0x0c, 0x59) => "789",
        (0x0c, 0x5c) => "914",
        (0x0c, 0x5e) => "924",
        (0x10, 0x1e) => "311",
        (0x10, 0x20) => "321",
        (0x10, 0x21) => "313",
        (0x10, 0x22) => "323",
        (0x10, 0x23) => "331",
        (0x10, 0x24) => "341",
        _ => return format!("type 0x{major:02x}/0x{minor:02x}").into(),
    };
    let series = if major == 0x0c { "90-70" } else { "90-30" };
    format!("Series {series} CPU {cpu}").into()
}

/// Why a request was refused: the minor code where that tells.
pub(super) const fn refusal(major: u8, minor: u8) -> &'static str {
    match (major, minor) {
        (5, 0xff) => "service request aborted",
        (_, 0xfe) => "no privilege for operation",
        (5, 0xf7) => "logon to a task required",
        (5, 0xf6) => "invalid sweep state",
        (5, 0xf5) => "invalid password",
        (5, 0xf4) => "invalid input parameter",
        (5, 0xf1) => "valid from a programmer only",
        (5, 0xf0) => "valid in stop mode only",
        (5, 0xef) => "programmer already attached",
        (5, 0xe9) => "segment selector not valid",
        (5, 0xe6) => "cpu model does not match",
        (5, 0xe4) => "segment does not exist",
        (1, _) => "illegal service request",
        (2, _) => "insufficient privilege",
        (4, _) => "protocol sequence error",
        (5, _) => "service request error",
        (6, _) => "illegal mailbox type",
        (7, _) => "request queue full",
        _ => "nack",
    }
}
