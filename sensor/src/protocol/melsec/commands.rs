//! Commands and end codes by name (SLMP reference manual, chapter 5).

use crate::protocol::bytes::Bytes as _;
use crate::protocol::command::{Action, Function};
use crate::protocol::text::Text;

/// Read type name.
pub(super) const READ_TYPE: u32 = 0x0101;

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

/// A request with what it is about.
pub(super) fn request(code: u16, sub: u16, data: &[u8]) -> (Function, Option<Text>) {
    let (action, name) = known(code).unwrap_or((Action::Other, "slmp command"));
    let object = match code {
        // Head device 3 bytes, its code, how many; the longer form of the iQ-R series has 4 and 2.
        0x0401 | 0x1401 if sub & 0x0002 == 0 => {
            let first = data.le32(0).map(|word| word & 0x00ff_ffff);
            first.zip(data.u8_at(3)).zip(data.le16(4)).map(|((first, device), count)| {
                format_args!("{}{first} count {count}", self::device(device)).into()
            })
        }
        0x1001 | 0x1003 => {
            data.le16(0).map(|mode| if mode == 3 { "forced".into() } else { "not forced".into() })
        }
        _ => None,
    };
    (Function::new(action, u32::from(code), format_args!("0x{code:04x}"), name), object)
}

/// What answers when nobody asked.
pub(super) fn unknown() -> Function {
    Function::new(Action::Other, 0, "?", "slmp command")
}

/// A device by its binary code.
const fn device(code: u8) -> &'static str {
    match code {
        0x90 => "M",
        0x91 => "SM",
        0x92 => "L",
        0x93 => "F",
        0x94 => "V",
        0x9c => "X",
        0x9d => "Y",
        0xa0 => "B",
        0xa8 => "D",
        0xa9 => "SD",
        0xaf => "R",
        0xb0 => "ZR",
        0xb4 => "W",
        0xc2 => "TN",
        0xc5 => "CN",
        _ => "device ",
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
