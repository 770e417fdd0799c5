//! The bad afternoon: three hours in which a device nobody knows walks from the office network into the plant.
//!
//! | minute | what it does |
//! |---|---|
//! | 4 | joins the IT VLAN: DHCP, ARP, a few names, the time |
//! | 8 – 175 | TLS to rare external hosts, no server name, self-signed certificates |
//! | 15 – 170 | remote desktop to the SCADA server as Administrator; from 80 to 150 it moves a lot of data |
//! | 25 – 31 | scans the OT network on tcp/102 and tcp/502 |
//! | 33 – 38 | connections to external hosts that fail, some on port 502 |
//! | 45 – 165 | S7 with each S7 controller: identification, reads, a few writes |
//! | 55 – 165 | Modbus with each Modbus controller: identification, reads, a few writes |
//! | 130, 140 | if asked for: replaces a block of one controller's program, stops another |

mod commands;
mod desktop;
mod network;
mod options;
mod truth;

pub use options::{Commands, IncidentOptions, Scan};
pub use truth::{FailureTruth, RdpTruth, ScanTruth, SessionTruth, TlsTruth, Truth};

use super::habit::{office_life, ordinary};
use super::plant::{Host, Plant};
use super::stage::Stage;
use crate::conversation::{HOUR, MIN};
use crate::rng::Rng;

/// A planned incident: the truth about it, and its frames.
pub struct Incident {
    truth: Truth,
    stage: Stage,
}

/// What the planning of one act needs, and where it leaves what it planned.
struct Plan<'a> {
    plant: &'a Plant,
    options: &'a IncidentOptions,
    device: Host,
    stage: Stage,
    truth: Truth,
}

impl Plan<'_> {
    /// The stream of chance of one act.
    fn rng(&self, act: &str) -> Rng {
        Rng::named(self.options.seed, act)
    }

    /// A time of the afternoon.
    fn at(&self, minute: u64) -> u64 {
        self.options.start_ns + minute * MIN
    }
}

impl Incident {
    /// Length of the afternoon in nanoseconds.
    pub const LENGTH: u64 = 3 * HOUR;

    /// Plans the afternoon: everything left to chance is drawn here.
    #[must_use]
    pub fn new(plant: &Plant, options: &IncidentOptions) -> Self {
        let device = if options.office_only { plant.newcomer } else { plant.stranger };
        let end_ns = options.start_ns + Self::LENGTH;
        let truth = Truth::new(&device, options.start_ns, end_ns);
        let mut plan = Plan { plant, options, device, stage: Stage::new(end_ns), truth };
        if options.background {
            ordinary(plant, options.seed, options.start_ns, &mut plan.stage);
        }
        network::arrival(&mut plan);
        if options.office_only {
            let (rng, due) = (plan.rng("newcomer"), plan.at(6));
            office_life(plant, device, rng, due, &mut plan.stage);
        }
        if options.external {
            network::nameless_tls(&mut plan);
            network::external_failures(&mut plan);
        }
        if let Some(scan) = options.scan {
            network::scan(&mut plan, scan);
        }
        if options.rdp {
            desktop::session(&mut plan);
        }
        commands::all(&mut plan);
        Self { truth: plan.truth, stage: plan.stage }
    }

    /// What a sensor should find out.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The frames of the afternoon, ordinary life included when asked for.
    #[must_use]
    pub fn into_frames(self) -> Stage {
        self.stage
    }
}
