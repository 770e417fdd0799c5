//! What the tests and the demonstration play with: packets, conversations, a plant and its bad day.
//!
//! In the order in which one is made of the other:
//!
//! - [`packet`]: one frame, layer by layer, with correct lengths and checksums;
//! - [`payload`]: what applications say inside (S7comm, Modbus, RDP, TLS, DNS …);
//! - [`conversation`]: frames in time: TCP sessions that open, talk, fail and close;
//! - [`dialogue`]: two ends of every protocol, from its opening on;
//! - [`scenario`]: a food plant with its ordinary days, and the three hours in which somebody walks through it;
//! - [`capture_file`]: frames as capture files;
//! - [`measure`]: how benches measure on machines that others use too;
//! - [`recorded`]: what the packet path tells of frames, to be told again;
//! - [`evaluation`]: what the sensor says of scenarios and captures, held against the truth.
//!
//! Nothing but the last two depends on the sensor, so that it can be wrong about the wire and these can say so.

pub mod capture_file;
pub mod conversation;
pub mod dialogue;
pub mod evaluation;
pub mod measure;
pub mod packet;
pub mod payload;
pub mod recorded;
pub mod rng;
pub mod scenario;
pub mod wire;
