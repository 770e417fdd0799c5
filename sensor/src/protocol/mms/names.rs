//! PDUs, services and errors by name (ISO 9506-2).

use crate::protocol::command::{Action, Direction};

/// Tags of PDUs.
pub(super) const CONFIRMED_REQUEST: u32 = 0xa0;
pub(super) const CONFIRMED_RESPONSE: u32 = 0xa1;
pub(super) const CONFIRMED_ERROR: u32 = 0xa2;
pub(super) const UNCONFIRMED: u32 = 0xa3;
pub(super) const REJECT: u32 = 0xa4;

/// Whether a tag is that of a PDU.
pub(super) const fn is_pdu(tag: u32) -> bool {
    matches!(tag, 0xa0..=0xa4 | 0x85 | 0x86 | 0xa7..=0xaa | 0x8b | 0x8c | 0xad)
}

/// A PDU that sets a connection up, cancels or ends.
pub(super) const fn other(tag: u32) -> (&'static str, Direction) {
    match tag & 0x1f {
        5 => ("cancel", Direction::Request),
        6 => ("cancel", Direction::Response),
        7 => ("cancel error", Direction::Response),
        8 => ("initiate", Direction::Request),
        9 => ("initiate", Direction::Response),
        10 => ("initiate error", Direction::Response),
        11 => ("conclude", Direction::Request),
        12 => ("conclude", Direction::Response),
        _ => ("conclude error", Direction::Response),
    }
}

/// The number of a service by its tag, which has two bytes from 31 on.
pub(super) const fn number(tag: u32) -> u32 {
    if tag > 0xff { tag & 0x7f } else { tag & 0x1f }
}

/// An unconfirmed service.
pub(super) const fn unconfirmed(number: u32) -> &'static str {
    match number {
        0 => "information report",
        1 => "unsolicited status",
        2 => "event notification",
        _ => "unconfirmed service",
    }
}

/// A confirmed service: what it does and its name.
pub(super) const fn service(number: u32) -> (Action, &'static str) {
    match number {
        0 => (Action::Discover, "status"),
        1 => (Action::Discover, "get name list"),
        2 => (Action::Discover, "identify"),
        3 => (Action::Configure, "rename"),
        4 => (Action::Read, "read"),
        5 => (Action::Write, "write"),
        6 => (Action::Discover, "get variable access attributes"),
        7 => (Action::Configure, "define named variable"),
        8 => (Action::Configure, "define scattered access"),
        9 => (Action::Discover, "get scattered access attributes"),
        10 => (Action::Configure, "delete variable access"),
        11 => (Action::Configure, "define named variable list"),
        12 => (Action::Discover, "get named variable list attributes"),
        13 => (Action::Configure, "delete named variable list"),
        14 => (Action::Configure, "define named type"),
        15 => (Action::Discover, "get named type attributes"),
        16 => (Action::Configure, "delete named type"),
        17 => (Action::Other, "input"),
        18 => (Action::Other, "output"),
        19 => (Action::Session, "take control"),
        20 => (Action::Session, "relinquish control"),
        21 => (Action::Configure, "define semaphore"),
        22 => (Action::Configure, "delete semaphore"),
        23..=25 => (Action::Read, "report semaphore status"),
        26 => (Action::Program, "initiate download sequence"),
        27 => (Action::Program, "download segment"),
        28 => (Action::Program, "terminate download sequence"),
        29 => (Action::ReadProgram, "initiate upload sequence"),
        30 => (Action::ReadProgram, "upload segment"),
        31 => (Action::ReadProgram, "terminate upload sequence"),
        32 => (Action::Program, "request domain download"),
        33 => (Action::ReadProgram, "request domain upload"),
        34 => (Action::Program, "load domain content"),
        35 => (Action::ReadProgram, "store domain content"),
        36 => (Action::Program, "delete domain"),
        37 => (Action::Discover, "get domain attributes"),
        38 => (Action::Program, "create program invocation"),
        39 => (Action::Program, "delete program invocation"),
        40 => (Action::Control, "start"),
        41 => (Action::Control, "stop"),
        42 => (Action::Control, "resume"),
        43 => (Action::Control, "reset"),
        44 => (Action::Control, "kill"),
        45 => (Action::Discover, "get program invocation attributes"),
        46 => (Action::Program, "obtain file"),
        47..=64 => (Action::Other, "event service"),
        65 => (Action::Read, "read journal"),
        66 => (Action::Write, "write journal"),
        67 => (Action::Configure, "initialize journal"),
        68 => (Action::Read, "report journal status"),
        69 => (Action::Configure, "create journal"),
        70 => (Action::Configure, "delete journal"),
        71 => (Action::Discover, "get capability list"),
        72 => (Action::Read, "file open"),
        73 => (Action::Read, "file read"),
        74 => (Action::Read, "file close"),
        75 => (Action::Configure, "file rename"),
        76 => (Action::Configure, "file delete"),
        77 => (Action::Discover, "file directory"),
        _ => (Action::Other, "confirmed service"),
    }
}

/// Why a service failed.
pub(super) const fn error(class: u32, code: u64) -> &'static str {
    match (class, code) {
        (0, _) => "vmd state",
        (1, _) => "application reference",
        (2, 1) => "object undefined",
        (2, 2) => "invalid address",
        (2, 3) => "type unsupported",
        (2, 4) => "type inconsistent",
        (2, 5) => "object exists",
        (2, 6) => "object attribute inconsistent",
        (2, _) => "definition",
        (3, _) => "resource unavailable",
        (4, 2) => "object state conflict",
        (4, _) => "service",
        (5, _) => "service preempted",
        (6, _) => "time resolution",
        (7, 1) => "object access unsupported",
        (7, 2) => "object non existent",
        (7, 3) => "object access denied",
        (7, 4) => "object invalidated",
        (7, _) => "access",
        (8, _) => "initiate",
        (9, _) => "conclude",
        (10, _) => "cancel",
        (11, 6) => "file access denied",
        (11, 7) => "file non existent",
        (11, _) => "file",
        _ => "other",
    }
}

/// Why one variable could not be read or written.
pub(super) const fn access_error(code: u64) -> &'static str {
    match code {
        0 => "object invalidated",
        1 => "hardware fault",
        2 => "temporarily unavailable",
        3 => "object access denied",
        4 => "object undefined",
        5 => "invalid address",
        6 => "type unsupported",
        7 => "type inconsistent",
        8 => "object attribute inconsistent",
        9 => "object access unsupported",
        10 => "object non existent",
        11 => "object value invalid",
        _ => "unknown access error",
    }
}
