//! What the engine remembers: connections, streams, hosts, conversations. The only writer of state is the engine.

pub mod address;
pub mod changes;
pub mod connection;
pub mod conversation;
pub mod device;
pub mod habits;
pub mod hoard;
pub mod host;
pub mod hosts;
pub mod identity;
#[cfg(test)]
mod identity_tests;
mod infer;
pub mod names;
pub mod oui;
pub mod outflow;
mod pair;
pub mod relearn;
pub mod role;
pub mod rules;
pub mod segment;
pub mod segments;
pub mod sender;
mod stage;
pub mod stations;
pub mod stream;
pub mod table;
pub mod tally;
pub mod world;
pub mod zone;

pub use connection::{Connection, State as ConnectionState};
pub use conversation::Conversation;
pub use device::Device;
pub use host::Host;
pub use segment::{Segment, SiteAddr, SiteMac};
pub use world::World;
pub use zone::{Kind, Zone};
