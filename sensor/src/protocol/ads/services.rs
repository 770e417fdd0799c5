//! Commands, states, index groups and errors by name (`AdsDef.h` of Beckhoff's public ADS library).

use crate::protocol::bytes::{Bytes as _, Printable, printable};
use crate::protocol::command::{Action, Function};
use crate::protocol::text::Text;

/// The system service: files, registry, processes.
pub(super) const SYSTEM: u16 = 10_000;

/// A command: what it does by itself, and its name.
pub(super) const fn command(number: u16) -> (Action, &'static str) {
    match number {
        1 => (Action::Discover, "read device info"),
        2 => (Action::Read, "read"),
        3 => (Action::Write, "write"),
        4 => (Action::Discover, "read state"),
        5 => (Action::Control, "write control"),
        6 => (Action::Read, "add device notification"),
        7 => (Action::Read, "delete device notification"),
        8 => (Action::Read, "device notification"),
        9 => (Action::Other, "read write"),
        _ => (Action::Other, "ads command"),
    }
}

/// A request: what it does where its index group says, and what it is about.
pub(super) fn request(number: u16, port: u16, data: &[u8]) -> (Function, Option<Text>) {
    let (mut action, name) = command(number);
    let object = match number {
        2 | 3 | 6 | 9 => data.le32(0).zip(data.le32(4)).map(|(group, offset)| {
            let written = if number == 9 { data.tail(16) } else { data.tail(12) };
            let (does, object) = access(number, port, group, offset, written);
            action = does.unwrap_or(action);
            object
        }),
        5 => data.le16(0).map(|wanted| state(wanted).into()),
        _ => None,
    };
    (Function::new(action, u32::from(number), format_args!("{number}"), name), object)
}

/// What an index group is for. `None`: what the command does by itself.
fn access(number: u16, port: u16, group: u32, offset: u32, written: &[u8]) -> (Option<Action>, Text) {
    let reads = matches!(number, 2 | 6);
    if port == SYSTEM {
        let known = match group {
            120 => Some((Action::Read, "file open")),
            121 => Some((Action::Read, "file close")),
            122 => Some((Action::ReadProgram, "file read")),
            123 | 127 | 129 => Some((Action::Program, "file write")),
            110 => Some((Action::Program, "file create")),
            131 => Some((Action::Program, "file delete")),
            132 => Some((Action::Program, "file rename")),
            133 => Some((Action::Discover, "file find")),
            200 if number == 3 => Some((Action::Configure, "registry write")),
            200 => Some((Action::Discover, "registry read")),
            500 => Some((Action::Program, "start process")),
            600 => Some((Action::Configure, "change net id")),
            700 => Some((Action::Discover, "system information")),
            _ => None,
        };
        if let Some((action, what)) = known {
            let named = matches!(group, 110 | 120 | 131..=133 | 200 | 500) && !written.is_empty();
            return (
                Some(action),
                if named { format_args!("{what} {}", first(written)).into() } else { what.into() },
            );
        }
    }
    match group {
        // By name: the written bytes are the symbol.
        0xf003 => (Some(Action::Read), format_args!("handle of {}", printable(written)).into()),
        0xf004 if !reads => (None, format_args!("symbol {}", printable(written)).into()),
        0xf005 => (None, format_args!("symbol handle {offset:#x}").into()),
        0xf006 => (Some(Action::Read), "release handle".into()),
        0xf007 | 0xf009 => {
            (Some(Action::Discover), format_args!("symbol information {}", printable(written)).into())
        }
        0xf008 | 0xf00a..=0xf00f => (Some(Action::Discover), "symbol table".into()),
        0xf020 | 0xf021 => (None, format_args!("inputs {offset}").into()),
        0xf030 | 0xf031 => (None, format_args!("outputs {offset}").into()),
        0x4020 | 0x4021 => (None, format_args!("flags {offset}").into()),
        0xf080 | 0xf083 | 0xf084 => (Some(Action::Read), format_args!("{offset} reads").into()),
        0xf081 => (Some(Action::Write), format_args!("{offset} writes").into()),
        0xf082 => (Some(Action::Other), format_args!("{offset} reads and writes").into()),
        0xf085 | 0xf086 => (Some(Action::Read), format_args!("{offset} notifications").into()),
        group => (None, format_args!("group {group:#x} offset {offset:#x}").into()),
    }
}

/// The first string of several that end with zeros, backslashes kept.
fn first(bytes: &[u8]) -> Printable<'_> {
    printable(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// A state of the device.
pub(super) const fn state(number: u16) -> &'static str {
    match number {
        1 => "idle",
        2 => "reset",
        3 => "init",
        4 => "start",
        5 => "run",
        6 => "stop",
        7 => "save configuration",
        8 => "load configuration",
        9 => "power failure",
        10 => "power good",
        11 => "error",
        12 => "shutdown",
        13 => "suspend",
        14 => "resume",
        15 => "config",
        16 => "reconfig",
        _ => "unknown state",
    }
}

/// What went wrong, in the router or in the device.
pub(super) const fn error(code: u32) -> &'static str {
    match code {
        0x06 => "target port not found",
        0x07 => "target machine not found",
        0x08 => "unknown command",
        0x0d => "port not connected",
        0x0e => "invalid ams length",
        0x0f => "invalid ams net id",
        0x12 => "port disabled",
        0x18 => "invalid ams port",
        0x19 => "no memory",
        0x1a => "tcp send error",
        0x1b => "host unreachable",
        0x700 => "device error",
        0x701 => "service not supported",
        0x702 => "invalid index group",
        0x703 => "invalid index offset",
        0x704 => "reading or writing not permitted",
        0x705 => "size not correct",
        0x706 => "invalid data",
        0x707 => "device not ready",
        0x708 => "device busy",
        0x709 => "invalid context",
        0x70a => "out of memory",
        0x70b => "invalid parameter",
        0x70c => "not found",
        0x70d => "syntax error",
        0x70e => "objects do not match",
        0x70f => "object already exists",
        0x710 => "symbol not found",
        0x711 => "symbol version invalid",
        0x712 => "invalid state",
        0x713 => "transmission mode not supported",
        0x714 => "notification handle invalid",
        0x715 => "notification client unknown",
        0x716 => "no more notification handles",
        0x719 => "timeout",
        0x71e => "request pending",
        0x71f => "request aborted",
        0x723 => "access denied",
        _ => "error",
    }
}
