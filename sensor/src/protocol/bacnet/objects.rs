//! Objects and properties by name (clauses 12 and 21), those met in control systems.

use crate::protocol::bytes::Bytes as _;
use crate::protocol::text::Code;

/// The object type of a device.
pub(super) const DEVICE: u16 = 8;
/// The object type of a program.
pub(super) const PROGRAM: u16 = 16;
/// The instance that means "you, whoever you are".
pub(super) const WILDCARD: u32 = 0x3f_ffff;

/// An object identifier: type 10 bits, instance 22.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: u16,
    pub instance: u32,
}

impl Object {
    /// From its four bytes.
    pub fn read(content: &[u8]) -> Option<Self> {
        let word = content.be32(0).filter(|_| content.len() == 4)?;
        Some(Self { kind: u16::try_from(word >> 22).ok()?, instance: word & WILDCARD })
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.kind {
            0 => "analog-input",
            1 => "analog-output",
            2 => "analog-value",
            3 => "binary-input",
            4 => "binary-output",
            5 => "binary-value",
            6 => "calendar",
            7 => "command",
            8 => "device",
            9 => "event-enrollment",
            10 => "file",
            11 => "group",
            12 => "loop",
            13 => "multi-state-input",
            14 => "multi-state-output",
            15 => "notification-class",
            16 => "program",
            17 => "schedule",
            18 => "averaging",
            19 => "multi-state-value",
            20 => "trend-log",
            21 => "life-safety-point",
            22 => "life-safety-zone",
            23 => "accumulator",
            25 => "event-log",
            28 => "load-control",
            29 => "structured-view",
            30 => "access-door",
            40 => "characterstring-value",
            45 => "integer-value",
            46 => "large-analog-value",
            48 => "positive-integer-value",
            54 => "lighting-output",
            56 => "network-port",
            other => return write!(f, "object-type-{other} {}", self.instance),
        };
        write!(f, "{name} {}", self.instance)
    }
}

/// Properties that tell who a device is.
pub(super) mod property {
    pub const FIRMWARE_REVISION: u32 = 44;
    pub const MODEL_NAME: u32 = 70;
    pub const OBJECT_NAME: u32 = 77;
    pub const PROGRAM_CHANGE: u32 = 90;
    pub const VENDOR_NAME: u32 = 121;
    pub const SERIAL_NUMBER: u32 = 372;
}

/// The name of a property.
pub(super) fn property_name(number: u32) -> Code {
    let name = match number {
        8 => "all",
        12 => "application-software-version",
        22 => "cov-increment",
        28 => "description",
        44 => "firmware-revision",
        56 => "local-date",
        57 => "local-time",
        58 => "location",
        62 => "max-apdu-length-accepted",
        70 => "model-name",
        75 => "object-identifier",
        76 => "object-list",
        77 => "object-name",
        79 => "object-type",
        81 => "out-of-service",
        85 => "present-value",
        87 => "priority-array",
        90 => "program-change",
        92 => "program-state",
        97 => "protocol-services-supported",
        98 => "protocol-version",
        103 => "reliability",
        104 => "relinquish-default",
        107 => "segmentation-supported",
        108 => "setpoint",
        111 => "status-flags",
        112 => "system-status",
        117 => "units",
        120 => "vendor-identifier",
        121 => "vendor-name",
        123 => "weekly-schedule",
        131 => "log-buffer",
        139 => "protocol-revision",
        152 => "active-cov-subscriptions",
        155 => "database-revision",
        196 => "last-restart-reason",
        371 => "property-list",
        372 => "serial-number",
        400 => "bacnet-ip-address",
        other => return format_args!("property {other}").into(),
    };
    name.into()
}

/// Makers by their vendor identifier, the common ones (bacnet.org assigns them).
pub(super) const fn vendor(id: u32) -> Option<&'static str> {
    Some(match id {
        0 => "ASHRAE",
        2 => "Trane",
        3 => "Daikin Applied",
        5 => "Johnson Controls",
        6 | 73 | 127 => "ABB",
        7 | 9 | 22 | 313 => "Siemens",
        8 => "Delta Controls",
        10 => "Schneider Electric",
        11 | 19 => "TAC",
        16 => "Carrier",
        17 => "Honeywell",
        18 => "Alerton / Honeywell",
        23 => "York Controls",
        24 => "Automated Logic",
        28 => "KMC Controls",
        32 => "Simplex",
        34 => "Notifier",
        35 => "Reliable Controls",
        36 => "Tridium",
        39 => "Kieback & Peter",
        50 => "MBS",
        51 => "Samson",
        53 => "Daikin",
        74 => "KNX Association",
        77 => "Carel",
        80 => "Sauter",
        89 => "Saia-Burgess Controls",
        90 => "Hitachi",
        98 => "Toshiba",
        105 => "Priva",
        109 => "Neuberger",
        133 => "Veris Industries",
        142 => "DEOS",
        160 => "Rockwell Automation",
        178 => "Loytec",
        187 => "Softing",
        222 => "WAGO",
        245 => "Contemporary Controls",
        260 => "BACnet Stack at SourceForge",
        264 => "Regin",
        284 => "Belimo",
        332 | 364 => "Distech Controls",
        421 => "Metz Connect",
        _ => return None,
    })
}
