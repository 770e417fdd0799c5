//! Names of CIP object classes (CIP volume 1 chapter 5) and of the Logix controllers' own that are documented.

/// Identity.
pub const IDENTITY: u32 = 0x01;
/// Message router.
pub const MESSAGE_ROUTER: u32 = 0x02;
/// Connection manager.
pub const CONNECTION_MANAGER: u32 = 0x06;
/// PCCC: commands of PLC-5, SLC 500 and MicroLogix.
pub const PCCC: u32 = 0x67;
/// Symbol: the tags of a Logix controller ("Logix 5000 Controllers Data Access", 1756-PM020).
pub const SYMBOL: u32 = 0x6b;
/// Template: the structures of its tags.
pub const TEMPLATE: u32 = 0x6c;
/// The controller of a Logix processor: its mode. Observed; its name is not published.
pub const CONTROLLER: u32 = 0x8e;
/// Its project. Observed; its name is not published.
pub const PROJECT: u32 = 0xac;
/// Wall clock time of a Logix controller.
pub const WALL_CLOCK: u32 = 0x8b;

/// The name of a class, lower case.
pub fn name(class: u32) -> Option<&'static str> {
    NAMES.binary_search_by_key(&class, |row| row.0).ok().and_then(|at| NAMES.get(at)).map(|row| row.1)
}

/// Whether its attributes are how a device works (its address, name, clock, ring), not values of the process. Those of a
/// Logix controller and of its project (0x8e, 0xac) are.
pub const fn is_setup(class: u32) -> bool {
    matches!(class, IDENTITY | 0x43 | 0x47 | 0x48 | 0x52 | 0x5d..=0x62 | WALL_CLOCK | CONTROLLER | PROJECT | 0xf0..=0xf8)
}

/// Whether it is a part of a Logix controller's program (programs, modules, routines, symbols, templates): observed to be
/// made and set when RSLogix 5000 downloads one, and never when it reads one or goes online.
pub const fn is_program(class: u32) -> bool {
    matches!(class, 0x68..=0x6d)
}

/// Whether it is a list of tags that a reader defines once and then reads at one go, as HMIs and engineering stations do.
pub const fn is_data_list(class: u32) -> bool {
    matches!(class, 0x72 | 0xb2)
}

#[rustfmt::skip]
const NAMES: &[(u32, &str)] = &[
    (0x01, "identity"),              (0x02, "message router"),       (0x03, "devicenet"),
    (0x04, "assembly"),              (0x05, "connection"),           (0x06, "connection manager"),
    (0x07, "register"),              (0x08, "discrete input point"), (0x09, "discrete output point"),
    (0x0a, "analog input point"),    (0x0b, "analog output point"),  (0x0f, "parameter"),
    (0x10, "parameter group"),       (0x28, "motor data"),           (0x29, "control supervisor"),
    (0x2a, "ac/dc drive"),           (0x2c, "overload"),             (0x37, "file"),
    (0x39, "safety supervisor"),     (0x3a, "safety validator"),     (0x42, "motion device axis"),
    (0x43, "time sync"),             (0x44, "modbus"),               (0x47, "device level ring"),
    (0x48, "qos"),                   (0x4e, "base energy"),          (0x52, "snmp"),
    (0x5d, "cip security"),          (0x5e, "ethernet/ip security"), (0x5f, "certificate management"),
    (0x67, "pccc"),                  (0x6b, "symbol"),               (0x6c, "template"),
    (0x8b, "wall clock time"),       (0xf0, "controlnet"),           (0xf4, "port"),
    (0xf5, "tcp/ip interface"),      (0xf6, "ethernet link"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!((name(IDENTITY), name(0x8e)), (Some("identity"), None));
    }
}
