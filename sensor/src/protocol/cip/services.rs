//! What a CIP service does, by its code and the class it is asked of.
//!
//! Common services: CIP volume 1, appendix A. Codes from 0x32 on are each class's own; Logix tag services are those of
//! "Logix 5000 Controllers Data Access" (1756-PM020). What the program classes' services mean is not published: they are
//! named as observed between RSLogix 5000 and 1756 controllers.

use super::classes;
use crate::protocol::command::Action;

/// Walked into: the services it holds are commands of their own.
pub const MULTIPLE_SERVICE_PACKET: u8 = 0x0a;
/// Of the connection manager: carries a request to another device.
pub const UNCONNECTED_SEND: u8 = 0x52;
/// Of the connection manager.
pub const FORWARD_OPEN: u8 = 0x54;
/// Of the connection manager.
pub const LARGE_FORWARD_OPEN: u8 = 0x5b;
/// Of the PCCC class.
pub const EXECUTE_PCCC: u8 = 0x4b;
/// Reads all attributes; of an identity: who a device is.
pub const GET_ATTRIBUTES_ALL: u8 = 0x01;

/// Name and action of a service.
pub fn service(code: u8, class: Option<u32>, is_tag: bool) -> (&'static str, Action) {
    match (code, class) {
        (0..=0x31, _) => common(code, class.unwrap_or(0)),
        (_, Some(classes::CONNECTION_MANAGER)) => connection_manager(code),
        (0x4c, Some(classes::TEMPLATE)) => ("read template", Action::Discover),
        (0x4c, Some(class)) if classes::is_data_list(class) => ("read data list", Action::Read),
        (0x4b, Some(class)) if classes::is_data_list(class) => ("define data list", Action::Session),
        (0x4c..=0x4e | 0x52 | 0x53 | 0x55, _) if is_tag => tag(code),
        (EXECUTE_PCCC, Some(classes::PCCC)) => ("execute pccc", Action::Other),
        (0x4b, Some(classes::CONTROLLER)) => ("lock controller", Action::Auth),
        (0x4c, Some(classes::CONTROLLER)) => ("unlock controller", Action::Auth),
        (0x5c, Some(classes::CONTROLLER)) => ("programming handshake", Action::Program),
        (0x4d, Some(0x68 | 0x69)) => ("force", Action::Write),
        (0x4e, Some(0x68 | 0x69)) => ("remove force", Action::Write),
        (0x4f, Some(0x68 | 0x6a)) => ("read program part", Action::ReadProgram),
        (0x50, Some(0x68 | 0x6a)) => ("write program part", Action::Program),
        (0x51, Some(0x6a)) => ("modify routine", Action::Program),
        _ => ("class-specific service", Action::Other),
    }
}

/// A service of the common set, whose meaning the class may change.
fn common(code: u8, class: u32) -> (&'static str, Action) {
    let setting = match class {
        _ if classes::is_setup(class) => Action::Configure,
        _ if classes::is_program(class) => Action::Program,
        _ if classes::is_data_list(class) => Action::Session,
        _ => Action::Write,
    };
    let making = match setting {
        Action::Write => Action::Configure,
        action => action,
    };
    let reading = match class {
        classes::IDENTITY | classes::SYMBOL | classes::TEMPLATE => Action::Discover,
        _ => Action::Read,
    };
    match (code, class) {
        (GET_ATTRIBUTES_ALL, _) => ("get attributes all", reading),
        (0x02, _) => ("set attributes all", setting),
        (0x03, _) => ("get attribute list", reading),
        (0x04, _) => ("set attribute list", setting),
        // Resetting an identity restarts the device. Any other object has a reset of its own.
        (0x05, classes::IDENTITY) => ("reset", Action::Control),
        (0x05, _) => ("reset object", making),
        // Of 1756 controllers the mode: run and program.
        (0x06, classes::IDENTITY | classes::CONTROLLER) => ("start", Action::Control),
        (0x07, classes::IDENTITY | classes::CONTROLLER) => ("stop", Action::Control),
        (0x06, _) => ("start object", making),
        (0x07, _) => ("stop object", making),
        (0x08, classes::PROJECT) => ("program download", Action::Program),
        (0x08, _) => ("create", making),
        (0x09, _) => ("delete", making),
        (MULTIPLE_SERVICE_PACKET, _) => ("multiple service packet", Action::Session),
        (0x0d, _) => ("apply attributes", setting),
        (0x0e, _) => ("get attribute single", reading),
        (0x10, _) => ("set attribute single", setting),
        (0x11, _) => ("find next object instance", Action::Discover),
        (0x14, _) => ("error response", Action::Other),
        (0x15, _) => ("restore", Action::Configure),
        (0x16, _) => ("save", Action::Configure),
        (0x17, _) => ("nop", Action::Session),
        (0x18, _) => ("get member", reading),
        (0x19, _) => ("set member", setting),
        (0x1a, _) => ("insert member", setting),
        (0x1b, _) => ("remove member", setting),
        (0x1c, _) => ("group sync", Action::Session),
        _ => ("reserved service", Action::Other),
    }
}

const fn connection_manager(code: u8) -> (&'static str, Action) {
    match code {
        0x4e => ("forward close", Action::Session),
        UNCONNECTED_SEND => ("unconnected send", Action::Session),
        FORWARD_OPEN => ("forward open", Action::Session),
        0x56 => ("get connection data", Action::Discover),
        0x57 => ("search connection data", Action::Discover),
        0x59 => ("get connection owner", Action::Discover),
        0x5a => ("get connection owner", Action::Discover),
        LARGE_FORWARD_OPEN => ("large forward open", Action::Session),
        _ => ("class-specific service", Action::Other),
    }
}

const fn tag(code: u8) -> (&'static str, Action) {
    match code {
        0x4c => ("read tag", Action::Read),
        0x4d => ("write tag", Action::Write),
        0x4e => ("read modify write tag", Action::Write),
        0x52 => ("read tag fragmented", Action::Read),
        0x53 => ("write tag fragmented", Action::Write),
        _ => ("get instance attribute list", Action::Discover),
    }
}

/// `0x4c`: the code as the field writes it.
pub const fn code_text(code: u8) -> &'static str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    const fn texts() -> [[u8; 4]; 128] {
        let mut all = [[0; 4]; 128];
        let mut i = 0;
        while i < 128 {
            all[i] = [b'0', b'x', DIGITS[i >> 4], DIGITS[i & 15]];
            i += 1;
        }
        all
    }
    static TEXTS: [[u8; 4]; 128] = texts();
    match TEXTS.split_at_checked((code & 0x7f) as usize) {
        Some((_, [text, ..])) => match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "0x??",
        },
        _ => "0x??",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_two_digits() {
        assert_eq!((code_text(7), code_text(0x4c), code_text(0x7f)), ("0x07", "0x4c", "0x7f"));
    }

    #[test]
    fn only_an_identitys_reset_and_a_controllers_mode_are_control() {
        for class in 0..=0x1ff {
            let control = |code| service(code, Some(class), false).1 == Action::Control;
            assert_eq!(control(0x05), class == 1, "{class:#x}");
            assert_eq!(control(0x07), matches!(class, 1 | 0x8e), "{class:#x}");
        }
    }

    #[test]
    fn the_same_code_means_what_its_class_says() {
        assert_eq!(service(0x4e, Some(6), false).0, "forward close");
        assert_eq!(service(0x4e, None, true).1, Action::Write);
        assert_eq!(service(0x4e, Some(0x69), false).0, "remove force");
        assert_eq!(service(0x52, Some(6), false).0, "unconnected send");
        assert_eq!(service(0x52, None, true).0, "read tag fragmented");
        assert_eq!(service(0x4c, Some(0x8e), false).1, Action::Auth);
    }
}
