//! Commands and end codes by name (SLMP reference manual, chapter 5).

use crate::protocol::command::{Action, Function};

/// A command: what it does and its name.
pub(super) const fn known(code: u16) -> Option<(Action, &'static str)> {
    Some(match code {
        0x0101 => (Action::Discover, "read type name"),
        0x0401 => (Action::Read, "device read"),
        0x0403 => (Action::Read, "device read random"),
        0x0406 => (Action::Read, "device read block"),
        0x0601 => (Action::Read, "extend unit read"),
        0x0613 => (Action::Read, "memory read"),
        0x0619 => (Action::Session, "self test"),
        0x0801 => (Action::Read, "entry monitor device"),
        0x0802 => (Action::Read, "execute monitor"),
        0x1001 => (Action::Control, "remote run"),
        0x1002 => (Action::Control, "remote stop"),
        0x1003 => (Action::Control, "remote pause"),
        0x1005 => (Action::Control, "remote latch clear"),
        0x1006 => (Action::Control, "remote reset"),
        0x1401 => (Action::Write, "device write"),
        0x1402 => (Action::Write, "device write random"),
        0x1406 => (Action::Write, "device write block"),
        0x1601 => (Action::Write, "extend unit write"),
        0x1613 => (Action::Write, "memory write"),
        0x1617 => (Action::Configure, "clear error"),
        0x1630 => (Action::Auth, "remote password unlock"),
        0x1631 => (Action::Auth, "remote password lock"),
        0x1810 => (Action::Discover, "read directory"),
        0x1811 => (Action::Discover, "search directory"),
        0x1820 => (Action::Program, "new file"),
        0x1822 => (Action::Program, "delete file"),
        0x1824 => (Action::Program, "copy file"),
        0x1825 => (Action::Program, "change file state"),
        0x1826 => (Action::Program, "change file date"),
        0x1827 => (Action::Session, "open file"),
        0x1828 => (Action::ReadProgram, "read file"),
        0x1829 => (Action::Program, "write file"),
        0x182a => (Action::Session, "close file"),
        0x2101 => (Action::Read, "on demand"),
        0x3070 => (Action::Discover, "node search"),
        0x0e30 => (Action::Discover, "node search"),
        0x0e31 => (Action::Configure, "ip address set"),
        _ => return None,
    })
}

/// The function of a command.
pub(super) fn function(code: u16) -> Function {
    let (action, name) = known(code).unwrap_or((Action::Other, "slmp command"));
    Function::new(action, u32::from(code), format_args!("0x{code:04x}"), name)
}

/// Whether its answer holds the model.
pub(super) const fn asks_type(code: u32) -> bool {
    matches!(code, 0x0101 | 0x0121)
}

/// What answers when nobody asked.
pub(super) fn unknown() -> Function {
    Function::new(Action::Other, 0, "?", "slmp command")
}

/// A device by its binary code, and whether its numbers are written in hexadecimal.
pub(super) const fn device(code: u8) -> (&'static str, bool) {
    match code {
        0x90 => ("M", false),
        0x91 => ("SM", false),
        0x92 => ("L", false),
        0x93 => ("F", false),
        0x94 => ("V", false),
        0x98 => ("S", false),
        0x9c => ("X", true),
        0x9d => ("Y", true),
        0xa0 => ("B", true),
        0xa1 => ("SB", true),
        0xa2 => ("DX", true),
        0xa3 => ("DY", true),
        0xa8 => ("D", false),
        0xa9 => ("SD", false),
        0xaf => ("R", false),
        0xb0 => ("ZR", false),
        0xb4 => ("W", true),
        0xb5 => ("SW", true),
        0xc0..=0xc2 => ("T", false),
        0xc3..=0xc5 => ("C", false),
        0xcc => ("Z", false),
        _ => ("device ", false),
    }
}

/// Why a command failed: the end codes that a wrong or unwelcome request meets.
pub(super) const fn end(code: u16) -> &'static str {
    match code {
        0xc050 => "code conversion error",
        0xc051..=0xc054 => "too many points",
        0xc056 => "address out of range",
        0xc058 | 0xc05c | 0xc061 => "request does not match its data",
        0xc059 => "command or subcommand not supported",
        0xc05b => "device not accessible",
        0xc05f => "request cannot be executed",
        0xc060 => "request contents wrong",
        0xc070 => "device memory cannot be extended",
        0xc200..=0xc204 => "remote password error",
        0xc810..=0xc816 => "password error",
        0x4000..=0x4fff => "error of the controller",
        _ => "error",
    }
}
