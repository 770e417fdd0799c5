//! What a detector says.

use serde::{Deserialize, Serialize};

use super::Spec;
use crate::importance::Importance;
use crate::protocol::Action;
use crate::state::Device;
use crate::state::SiteAddr;
use crate::state::address::{mac_of, mac_text};
use crate::state::rules::Allowance;
use crate::time::Time;

/// Why a finding was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Always news.
    Rule,
    /// Not among what was learned.
    FirstSeen,
    /// Beyond what was learned, by numbers.
    Statistical,
    /// Looks new, but nothing was learned to compare with.
    NoBaseline,
}

impl Basis {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::FirstSeen => "first_seen",
            Self::Statistical => "statistical",
            Self::NoBaseline => "no_baseline",
        }
    }
}

/// How much harm it may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record.
    Info,
    /// Look when there is time.
    Low,
    /// Look today.
    Medium,
    /// Look now.
    High,
    /// Somebody touches the process.
    Critical,
}

impl Severity {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in metrics and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// `event.severity`, 0–100.
    pub const fn score(self) -> u8 {
        match self {
            Self::Info => 10,
            Self::Low => 25,
            Self::Medium => 50,
            Self::High => 75,
            Self::Critical => 95,
        }
    }
}

impl Severity {
    /// One step less grave.
    pub const fn lower(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

/// Where in an intrusion a finding belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Somebody is in.
    Foothold,
    /// Somebody looks around.
    Discovery,
    /// Somebody goes from host to host.
    LateralMovement,
    /// Somebody talks to the outside.
    CommandAndControl,
    /// Somebody carries data.
    Collection,
    /// Somebody acts on the process.
    Impact,
}

impl Stage {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Foothold => "foothold",
            Self::Discovery => "discovery",
            Self::LateralMovement => "lateral_movement",
            Self::CommandAndControl => "command_and_control",
            Self::Collection => "collection",
            Self::Impact => "impact",
        }
    }
}

/// A number with its unit, over a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// How much.
    pub value: f64,
    /// Of what, in the plural: `bytes`, `hosts`, `connections`.
    pub unit: String,
    /// Over how many seconds.
    pub window_s: f64,
}

/// One end acted upon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// Its address.
    pub ip: SiteAddr,
    /// Its port, where one matters.
    pub port: Option<u16>,
}

/// Most targets a finding lists; more are counted.
pub const MAX_TARGETS: usize = 16;

impl Finding {
    /// What every finding of a model about what a host does has in common: nothing is said yet.
    pub fn about(spec: &Spec, actor: SiteAddr, now: Time) -> Self {
        Self {
            number: 0,
            model: spec.id.to_owned(),
            first: now,
            at: now,
            last: now,
            count: 1,
            basis: Basis::Rule,
            severity: spec.severity,
            importance: None,
            stage: Stage::Discovery,
            device_stage: String::new(),
            actor,
            device: None,
            actor_port: None,
            actor_mac: None,
            actor_zone: String::new(),
            targets: Vec::new(),
            targets_total: 0,
            target_zone: String::new(),
            transport: "tcp".to_owned(),
            protocol: None,
            summary: String::new(),
            observed: None,
            expected: None,
            techniques: spec.techniques.iter().map(|t| (*t).to_owned()).collect(),
            facts: Vec::new(),
            accepted: None,
            entered: false,
            same: String::new(),
            actions: Vec::new(),
            actor_name: None,
            target_name: None,
            allowed: None,
            absorbed_by: None,
            incident: None,
        }
    }

    /// Whether it is about frames without IP: addresses may be made of MACs, ports are EtherTypes.
    pub fn is_link_layer(&self) -> bool {
        self.transport == "ethernet"
    }

    /// Its sentence with MACs where addresses were made of them.
    pub(super) fn say_macs(&mut self) {
        if !self.is_link_layer() {
            return;
        }
        for (ip, port) in
            self.targets.iter().map(|target| (target.ip, target.port)).chain([(self.actor, None)])
        {
            let name = mac_of(ip).map_or_else(|| ip.to_string(), mac_text);
            if let Some(port) = port {
                self.summary = self.summary.replace(&format!("{ip}:{port}"), &name);
            }
            self.summary = self.summary.replace(&ip.to_string(), &name);
        }
    }

    /// The device that acted.
    pub fn device(&self) -> Device {
        self.device.unwrap_or(Device::first(self.actor))
    }

    /// Whether its sentence names one target, so that others have to be said beside it.
    pub fn measured_one(&self) -> bool {
        self.observed.is_none()
    }

    /// One more end acted upon, of the first few; `false` where it was listed before.
    pub fn add_target(&mut self, target: Target) -> bool {
        if self.targets.contains(&target) {
            return false;
        }
        if self.targets.len() < MAX_TARGETS {
            self.targets.push(target);
        }
        true
    }

    /// Adds what `more` of the same tells.
    pub fn fold(&mut self, more: Finding) {
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(more.at);
        for target in more.targets {
            if self.add_target(target) {
                self.targets_total = self.targets_total.max(self.targets.len() as u64);
            }
        }
        self.targets_total = self.targets_total.max(more.targets_total);
        self.importance = self.importance.max(more.importance);
        // A request counts as if it were accepted until every answer said no.
        let refused = more.accepted == Some(false) && self.accepted != Some(true);
        self.severity =
            if refused { self.severity.min(more.severity) } else { self.severity.max(more.severity) };
        self.entered |= more.entered;
        for action in more.actions {
            if !self.actions.contains(&action) {
                self.actions.push(action);
            }
        }
        self.accepted = match (self.accepted, more.accepted) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (a, b) => b.or(a),
        };
        // The latest numbers are the fullest.
        if more.observed.is_some() {
            self.observed = more.observed;
            self.expected = more.expected;
            self.summary = more.summary;
        }
        for fact in more.facts {
            if !self.facts.contains(&fact) && self.facts.len() < MAX_TARGETS {
                self.facts.push(fact);
            }
        }
    }
}

/// Something unusual, said with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Counts findings of this sensor's state, from 1; `event.id` is made of it.
    pub number: u64,
    /// [`super::Spec::id`].
    pub model: String,
    /// When what it tells of began.
    pub first: Time,
    /// When it was raised.
    pub at: Time,
    /// Last time more of the same was seen (folded into this finding).
    pub last: Time,
    /// How often it happened.
    pub count: u64,
    /// Why it was raised.
    pub basis: Basis,
    /// How much harm it may mean.
    pub severity: Severity,
    /// How unusual; absent where there is nothing to compare with.
    pub importance: Option<Importance>,
    /// Where in an intrusion it belongs.
    pub stage: Stage,
    /// Learning stage of the acting device: `learning`, `dynamic`, `operational`.
    pub device_stage: String,
    /// Who acted.
    pub actor: SiteAddr,
    /// The device that acted, whatever addresses it had before and has later; `None`: the first known by that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// The actor's port, where there is one connection.
    pub actor_port: Option<u16>,
    /// The actor's MAC, where it is its own.
    pub actor_mac: Option<[u8; 6]>,
    /// The actor's zone.
    pub actor_zone: String,
    /// Upon whom, at most [`MAX_TARGETS`].
    pub targets: Vec<Target>,
    /// How many in all.
    pub targets_total: u64,
    /// The first target's zone.
    pub target_zone: String,
    /// `tcp`, `udp`, …
    pub transport: String,
    /// `network.protocol`, where known.
    pub protocol: Option<String>,
    /// One sentence with the numbers.
    pub summary: String,
    /// What was measured.
    pub observed: Option<Measure>,
    /// What was expected.
    pub expected: Option<Measure>,
    /// ATT&CK for ICS technique ids, primary first.
    pub techniques: Vec<String>,
    /// More facts by name (`rdp.cookie`, `tls.subject` …), for the account.
    pub facts: Vec<(String, String)>,
    /// Whether a controller accepted it (writes, programs, stops); `None` where that does not apply.
    pub accepted: Option<bool>,
    /// What was done, where known: kinds of action in the order they were first seen.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// What the operator calls the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// What the operator calls the first target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// Why it does not page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowance>,
    /// A session into the target stands: its actor can go on from there.
    #[serde(default)]
    pub entered: bool,
    /// What makes it the same finding, beside its model and actor.
    #[serde(default)]
    pub same: String,
    /// The finding that absorbed this one.
    pub absorbed_by: Option<u64>,
    /// The incident it is part of.
    pub incident: Option<u64>,
}
