//! `[[asset]]`: a device the operator knows.

use serde::{Deserialize, Serialize};

use crate::state::SiteAddr;

/// A device by the name people call it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// The name in accounts, allowances and conduits.
    pub name: String,
    /// Its address, with its zone behind it where zones reuse networks (`192.168.0.10%cell-3`); this or `mac`.
    #[serde(default, deserialize_with = "super::network::address")]
    pub ip: Option<SiteAddr>,
    /// Its MAC; this or `ip`.
    #[serde(default, deserialize_with = "super::network::mac")]
    pub mac: Option<[u8; 6]>,
    /// What it is there for. A named engineering station may program; an inferred one gets no such credit.
    pub role: Option<Role>,
    /// How much depends on it.
    #[serde(default)]
    pub criticality: Criticality,
    /// Whom to call at night.
    pub contact: Option<String>,
}

impl Asset {
    /// Whether the device of this address, and of this MAC where it is its own, is meant.
    pub fn is(&self, ip: SiteAddr, mac: Option<[u8; 6]>) -> bool {
        self.ip == Some(ip) || (self.mac.is_some() && self.mac == mac)
    }
}

/// What a device is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Drives the process.
    Controller,
    /// Shows it to operators at the machine.
    Hmi,
    /// Supervises many controllers.
    Scada,
    /// Programs controllers.
    Engineering,
    /// Keeps measured values.
    Historian,
    /// The way in for people from outside OT.
    RemoteAccess,
    /// Scans on purpose.
    Scanner,
    /// A server of other kind.
    Server,
    /// Anything else of the office.
    It,
}

impl Role {
    /// The word in configuration, JSON and accounts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Hmi => "hmi",
            Self::Scada => "scada",
            Self::Engineering => "engineering",
            Self::Historian => "historian",
            Self::RemoteAccess => "remote_access",
            Self::Scanner => "scanner",
            Self::Server => "server",
            Self::It => "it",
        }
    }
}

/// How much depends on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criticality {
    /// Little.
    Low,
    /// Some.
    #[default]
    Medium,
    /// Production stands still without it.
    High,
}

impl Criticality {
    /// The word in configuration, JSON and accounts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
