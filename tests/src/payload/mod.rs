//! What applications say: the bytes inside TCP and UDP, complete and correct enough for a dissector to be content.
//!
//! Each file speaks one protocol and names its specification. Values a plant would choose (addresses in a controller,
//! measured values, names) are arguments or plausible constants.

pub mod dhcp;
pub mod dnp3;
pub mod dns;
pub mod http;
pub mod modbus;
pub mod ntp;
pub mod rdp;
pub mod s7;
pub mod smb;
pub mod tls;
