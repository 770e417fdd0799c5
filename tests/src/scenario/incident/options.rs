//! What happens on the afternoon, and the variants an evaluation plays.

use crate::conversation::{HOUR, MIN};

/// A scan of the OT network on tcp/102 and tcp/502.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Addresses tried on each port; all stations of the OT side are among them. 13 to 700.
    pub addresses: u16,
    /// Time over which the attempts are spread, in nanoseconds.
    pub duration_ns: u64,
}

/// What the device says to controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// Nothing.
    None,
    /// One write to one S7 controller, and no more.
    OneWrite,
    /// Hours of sessions: identification, reads and a few writes.
    Sessions,
}

/// All that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentOptions {
    /// When the afternoon begins, in nanoseconds since 1970.
    pub start_ns: u64,
    /// Seed of everything left to chance.
    pub seed: u64,
    /// Whether the ordinary life goes on around it.
    pub background: bool,
    /// TLS without server name, and failing connections, to external hosts.
    pub external: bool,
    /// Remote desktop to the SCADA server.
    pub rdp: bool,
    /// Bytes the desktop session moves from client to server, besides its handshake and interaction.
    pub rdp_up: u64,
    /// Bytes the desktop session moves from server to client, besides its handshake and interaction.
    pub rdp_down: u64,
    /// The scan, if any.
    pub scan: Option<Scan>,
    /// What controllers are told.
    pub commands: Commands,
    /// Stop one S7 controller.
    pub stop: bool,
    /// Stop another, replace a block of its program, and start it.
    pub download: bool,
    /// The device is a new office computer that behaves like one.
    pub office_only: bool,
}

impl IncidentOptions {
    /// The whole story.
    #[must_use]
    pub fn new(start_ns: u64, seed: u64) -> Self {
        Self {
            start_ns,
            seed,
            background: true,
            external: true,
            rdp: true,
            rdp_up: 24_000_000,
            rdp_down: 60_000_000,
            scan: Some(Scan { addresses: 160, duration_ns: 6 * MIN }),
            commands: Commands::Sessions,
            stop: false,
            download: false,
            office_only: false,
        }
    }

    /// Only ordinary life and a device that joins; the variants below add one thing each.
    fn quiet(start_ns: u64, seed: u64) -> Self {
        Self {
            external: false,
            rdp: false,
            scan: None,
            commands: Commands::None,
            ..Self::new(start_ns, seed)
        }
    }

    /// A scan so slow that a threshold per minute does not see it: one attempt about every half minute.
    #[must_use]
    pub fn slow_scan(start_ns: u64, seed: u64) -> Self {
        let scan = Scan { addresses: 130, duration_ns: 2 * HOUR + 20 * MIN };
        Self { scan: Some(scan), ..Self::quiet(start_ns, seed) }
    }

    /// A single write to a single controller.
    #[must_use]
    pub fn one_write(start_ns: u64, seed: u64) -> Self {
        Self { commands: Commands::OneWrite, ..Self::quiet(start_ns, seed) }
    }

    /// A program is replaced, and another controller stopped, with no scan before.
    #[must_use]
    pub fn download_and_stop(start_ns: u64, seed: u64) -> Self {
        Self { stop: true, download: true, ..Self::quiet(start_ns, seed) }
    }

    /// A new computer somebody ordered: nothing here is an incident.
    #[must_use]
    pub fn new_office_computer(start_ns: u64, seed: u64) -> Self {
        Self { office_only: true, ..Self::quiet(start_ns, seed) }
    }
}
