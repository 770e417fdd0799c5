//! Services of version 3 by group and number, as the headers that the maker ships with its runtime name them (`CmpDeviceItf.h`,
//! `CmpAppItf.h`).

use crate::protocol::command::{Action, Function};

/// The device as a whole.
pub(super) const DEVICE: u16 = 1;
/// Applications: programs and their state.
pub(super) const APPLICATION: u16 = 2;
/// Files.
pub(super) const FILES: u16 = 8;
/// Commands as text.
pub(super) const SHELL: u16 = 0x11;

/// A service: what it does and its name.
pub(super) fn function(group: u16, command: u16) -> Function {
    let (action, name) = match group {
        DEVICE => device(command),
        APPLICATION => application(command),
        0x04 => (Action::Other, "visualization service"),
        0x05 => (Action::Read, "log service"),
        0x06 => (Action::Other, "settings service"),
        0x07 => (Action::Other, "ethernet service"),
        FILES => files(command),
        0x09 => (Action::Other, "variable access"),
        0x0b => (Action::Other, "i/o service"),
        0x0c => (Action::Auth, "user management"),
        0x0f => (Action::Read, "trace service"),
        SHELL => (Action::Configure, "shell command"),
        0x12 => (Action::Control, "breakpoint service"),
        0x13 => (Action::Write, "force service"),
        0x18 => (Action::Read, "alarm service"),
        0x1b => (Action::Read, "monitoring service"),
        0x1f => (Action::Read, "core dump service"),
        0x22 => (Action::Configure, "certificate service"),
        _ => (Action::Other, "service"),
    };
    let code = u32::from(group) << 16 | u32::from(command);
    Function::new(action, code, format_args!("0x{group:02x}/0x{command:02x}"), name)
}

const fn device(command: u16) -> (Action, &'static str) {
    match command {
        1 => (Action::Discover, "get target identification"),
        2 => (Action::Auth, "device login"),
        3 => (Action::Session, "device logout"),
        4 => (Action::Control, "reset origin"),
        5 => (Action::Session, "echo"),
        6 => (Action::Configure, "set operation mode"),
        7 => (Action::Read, "get operation mode"),
        8 => (Action::Auth, "interactive login"),
        9 => (Action::Configure, "set node name"),
        _ => (Action::Other, "device service"),
    }
}

const fn application(command: u16) -> (Action, &'static str) {
    match command {
        0x01 => (Action::Session, "application login"),
        0x02 => (Action::Session, "application logout"),
        0x03 => (Action::Program, "create application"),
        0x04 => (Action::Program, "delete application"),
        0x05 => (Action::Program, "download"),
        0x06 => (Action::Program, "online change"),
        0x07 => (Action::Program, "device download"),
        0x08 => (Action::Program, "create device application"),
        0x10 => (Action::Control, "start application"),
        0x11 => (Action::Control, "stop application"),
        0x12 => (Action::Control, "reset application"),
        0x13 => (Action::Control, "set breakpoint"),
        0x14 => (Action::Read, "read status"),
        0x15 => (Action::Control, "delete breakpoint"),
        0x16 => (Action::Read, "read call stack"),
        0x17 => (Action::Read, "get area offset"),
        0x18 => (Action::Discover, "read application list"),
        0x19 => (Action::Control, "set next statement"),
        0x20 => (Action::Write, "release force list"),
        0x21 => (Action::Read, "upload force list"),
        0x22 => (Action::Control, "single cycle"),
        0x23 => (Action::Program, "create boot project"),
        0x24 => (Action::Control, "reinitialize application"),
        0x25 => (Action::Read, "read application states"),
        0x26 => (Action::Control, "load boot application"),
        0x27 => (Action::Program, "register boot application"),
        0x28 => (Action::Read, "check file consistency"),
        0x29 => (Action::Discover, "read application information"),
        0x30 => (Action::Program, "compact download"),
        0x31 => (Action::Discover, "read project information"),
        0x32 => (Action::Read, "define flow"),
        0x33 => (Action::Read, "read flow values"),
        0x34 => (Action::Program, "encrypted download"),
        0x35 => (Action::ReadProgram, "read application content"),
        0x36 => (Action::Configure, "save retains"),
        0x37 => (Action::Write, "restore retains"),
        0x38 => (Action::Read, "get area address"),
        0x39 | 0x40 => (Action::Configure, "execution points"),
        _ => (Action::Other, "application service"),
    }
}

/// Those that public tools use; the others of the group are told apart by number only.
const fn files(command: u16) -> (Action, &'static str) {
    match command {
        5 => (Action::ReadProgram, "begin file upload"),
        7 => (Action::ReadProgram, "upload file"),
        8 => (Action::Session, "end file upload"),
        12 => (Action::Discover, "read directory"),
        _ => (Action::Other, "possible file transfer"),
    }
}
