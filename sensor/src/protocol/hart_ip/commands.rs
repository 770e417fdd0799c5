//! HART commands and response codes by name (HCF_SPEC-127 universal, HCF_SPEC-151 common practice, HCF_SPEC-307 response codes).

use crate::protocol::command::{Action, Function, Status};

/// Read unique identifier.
pub(super) const IDENTIFIER: u16 = 0;
/// The number is in the data: commands beyond 255.
pub(super) const EXTENDED: u16 = 31;
/// Read long tag.
pub(super) const LONG_TAG: u16 = 20;

/// A command: what it does and its name.
pub(super) fn function(command: u16) -> Function {
    let (action, name) = match command {
        0 => (Action::Discover, "read unique identifier"),
        1 => (Action::Read, "read primary variable"),
        2 => (Action::Read, "read loop current and percent of range"),
        3 => (Action::Read, "read dynamic variables and loop current"),
        6 => (Action::Configure, "write polling address"),
        7 => (Action::Read, "read loop configuration"),
        8 => (Action::Read, "read dynamic variable classifications"),
        9 => (Action::Read, "read device variables with status"),
        11 => (Action::Discover, "read unique identifier of tag"),
        12 => (Action::Discover, "read message"),
        13 => (Action::Discover, "read tag, descriptor, date"),
        14 => (Action::Discover, "read primary variable transducer information"),
        15 => (Action::Discover, "read device information"),
        16 => (Action::Discover, "read final assembly number"),
        17 => (Action::Configure, "write message"),
        18 => (Action::Configure, "write tag, descriptor, date"),
        19 => (Action::Configure, "write final assembly number"),
        20 => (Action::Discover, "read long tag"),
        21 => (Action::Discover, "read unique identifier of long tag"),
        22 => (Action::Configure, "write long tag"),
        33 => (Action::Read, "read device variables"),
        34 => (Action::Configure, "write primary variable damping"),
        35 => (Action::Configure, "write primary variable range"),
        36 => (Action::Configure, "set primary variable upper range"),
        37 => (Action::Configure, "set primary variable lower range"),
        38 => (Action::Configure, "reset configuration changed flag"),
        39 => (Action::Configure, "eeprom control"),
        40 => (Action::Write, "enter or exit fixed current mode"),
        41 => (Action::Control, "perform self test"),
        42 => (Action::Control, "perform device reset"),
        43 => (Action::Configure, "set primary variable zero"),
        44 => (Action::Configure, "write primary variable units"),
        45 => (Action::Configure, "trim loop current zero"),
        46 => (Action::Configure, "trim loop current gain"),
        47 => (Action::Configure, "write primary variable transfer function"),
        48 => (Action::Read, "read additional device status"),
        49 => (Action::Configure, "write primary variable transducer serial number"),
        50 => (Action::Read, "read dynamic variable assignments"),
        51 => (Action::Configure, "write dynamic variable assignments"),
        52 => (Action::Configure, "set device variable zero"),
        53 => (Action::Configure, "write device variable units"),
        54 => (Action::Discover, "read device variable information"),
        55 => (Action::Configure, "write device variable damping"),
        56 => (Action::Configure, "write device variable transducer serial number"),
        57 => (Action::Discover, "read unit tag, descriptor, date"),
        58 => (Action::Configure, "write unit tag, descriptor, date"),
        59 => (Action::Configure, "write number of response preambles"),
        60..=62 => (Action::Read, "read analog channels"),
        63 | 70 => (Action::Discover, "read analog channel information"),
        64 => (Action::Configure, "write analog channel damping"),
        65 => (Action::Configure, "write analog channel range"),
        66 => (Action::Write, "enter or exit fixed analog channel mode"),
        67 => (Action::Configure, "trim analog channel zero"),
        68 => (Action::Configure, "trim analog channel gain"),
        69 => (Action::Configure, "write analog channel transfer function"),
        71 => (Action::Configure, "lock device"),
        72 => (Action::Discover, "squawk"),
        73 => (Action::Discover, "find device"),
        74 => (Action::Discover, "read i/o system capabilities"),
        75 => (Action::Discover, "poll sub-device"),
        76 => (Action::Read, "read lock device state"),
        77 => (Action::Other, "send command to sub-device"),
        78 => (Action::Read, "read aggregated commands"),
        79 => (Action::Write, "write device variable"),
        80 | 81 => (Action::Read, "read device variable trim information"),
        82 => (Action::Configure, "write device variable trim point"),
        83 => (Action::Configure, "reset device variable trim"),
        84 => (Action::Discover, "read sub-device identity summary"),
        85 => (Action::Read, "read i/o channel statistics"),
        86 => (Action::Read, "read sub-device statistics"),
        87 => (Action::Configure, "write i/o system master mode"),
        88 => (Action::Configure, "write i/o system retry count"),
        89 => (Action::Configure, "set real-time clock"),
        90 => (Action::Read, "read real-time clock"),
        91 | 93 => (Action::Read, "read trend"),
        92 => (Action::Configure, "write trend configuration"),
        94 | 95 => (Action::Read, "read communication statistics"),
        96 => (Action::Read, "read synchronous action"),
        97 => (Action::Configure, "configure synchronous action"),
        98 => (Action::Read, "read command action"),
        99 => (Action::Configure, "configure command action"),
        101 => (Action::Read, "read sub-device to burst message map"),
        102 => (Action::Configure, "map sub-device to burst message"),
        103 => (Action::Configure, "write burst period"),
        104 => (Action::Configure, "write burst trigger"),
        105 => (Action::Read, "read burst mode configuration"),
        106 => (Action::Configure, "flush delayed responses"),
        107 => (Action::Configure, "write burst device variables"),
        108 => (Action::Configure, "write burst mode command number"),
        109 => (Action::Configure, "burst mode control"),
        111 => (Action::Session, "transfer service control"),
        112 => (Action::Other, "transfer service"),
        113 => (Action::Configure, "catch device variable"),
        114 => (Action::Read, "read caught device variable"),
        115 => (Action::Read, "read event notification summary"),
        116..=118 => (Action::Configure, "write event notification"),
        119 => (Action::Configure, "acknowledge event notification"),
        _ => (Action::Other, "hart command"),
    };
    Function::new(action, u32::from(command), format_args!("{command}"), name)
}

/// What the first byte of an answer says.
pub(super) const fn outcome(byte: u8) -> Status {
    match byte {
        // Warnings: it was done, to the nearest value or with a truncated answer. 33 and 34: it is being done.
        0 | 8 | 14 | 24..=27 | 30 | 33 | 34 | 96..=127 => Status::Ok,
        // The highest bit marks errors of the line between gateway and instrument.
        128.. => Status::Refused(byte as u32, "communication error"),
        _ => Status::Refused(byte as u32, response_code(byte)),
    }
}

const fn response_code(code: u8) -> &'static str {
    match code {
        1 => "undefined command",
        2 => "invalid selection",
        3 => "parameter too large",
        4 => "parameter too small",
        5 => "too few data bytes",
        6 => "device specific error",
        7 => "in write protect mode",
        16 => "access restricted",
        17 => "invalid device variable",
        18 => "invalid units",
        20 => "invalid extended command",
        32 => "busy",
        35 | 36 => "delayed response lost",
        64 => "command not implemented",
        _ => "command error",
    }
}

/// What the header's status says of a session, on an answer. `None`: a warning, the answer counts.
pub(super) const fn session_error(status: u8) -> Option<&'static str> {
    match status {
        0 | 8 | 14 | 30 => None,
        2 => Some("invalid master type"),
        5 => Some("too few data bytes"),
        6 => Some("device specific error"),
        9 => Some("security not initialized"),
        15 => Some("all sessions in use"),
        16 => Some("session already exists"),
        _ => Some("session error"),
    }
}
