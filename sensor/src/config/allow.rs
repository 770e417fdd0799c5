//! `[[allow]]`: the one kind of exception. `[[conduit]]`: what may cross between two zones.

use serde::{Deserialize, Serialize};

use super::Config;
use super::party::{Party, Side};
use super::schedule::{Schedule, Until};
use super::service::Service;
use crate::protocol::{Action, Port};
use crate::time::Time;

/// Somebody may do something, for a stated reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Who may: an asset, a zone or a network.
    pub who: Party,
    /// Upon whom; anybody inside if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Party>,
    /// By which service; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Doing what. If empty, all but what changes the process: that must be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// When; always if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Until when; for good if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Why.
    pub reason: String,
}

/// What may cross from one zone to another. It constrains only the pair it names.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conduit {
    /// The zone that asks.
    pub from: String,
    /// The zone that is asked.
    pub to: String,
    /// By which services; none: nothing may cross.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Doing what; any if empty.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// Something done, to be held against allowances and conduits.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// Who did it.
    pub who: Side<'a>,
    /// Upon whom; `None` where that is not known.
    pub to: Option<Side<'a>>,
    /// The protocol by content.
    pub protocol: Option<&'a str>,
    /// The port asked.
    pub port: Option<Port>,
    /// What was done, where a protocol says so.
    pub action: Option<Action>,
    /// When.
    pub at: Time,
}

/// What conduits say about a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// No conduit names this pair of zones.
    Free,
    /// The conduit of this number, in the order of the configuration from 1, allows it.
    Allowed(usize),
    /// Conduits name the pair, and none allows it.
    Violation,
}

impl Allow {
    /// Whether it covers what was done. With a schedule it covers neither hosts nobody knows nor what is outside.
    pub fn covers(&self, deed: &Deed<'_>, config: &Config) -> bool {
        let action = match deed.action {
            Some(action) if self.actions.is_empty() => !action.changes_the_process(),
            // Nothing can be done without a connection.
            Some(Action::Session) => true,
            Some(action) => self.actions.contains(&action),
            // Nothing was said by content: an allowance of named actions says nothing about it either.
            None => self.actions.is_empty(),
        };
        action
            && self.who.means(deed.who, config)
            && match (&self.to, deed.to) {
                (None, to) => !to.is_some_and(|to| to.external),
                (Some(named), Some(to)) => named.means(to, config),
                (Some(_), None) => false,
            }
            && self.service.as_ref().is_none_or(|service| service.is(deed.protocol, deed.port))
            && self.schedule.as_ref().is_none_or(|schedule| {
                schedule.holds(deed.at, config.utc_offset)
                    && !deed.who.external
                    && !deed.to.is_some_and(|to| to.external)
                    && (deed.who.known || self.who.is_one(config))
            })
            && !self.until.as_ref().is_some_and(|until| until.is_over(deed.at, config.utc_offset))
    }
}

impl Config {
    /// What conduits say about what was done.
    pub fn crossing(&self, deed: &Deed<'_>) -> Crossing {
        let mut named = false;
        let Some(to) = deed.to else { return Crossing::Free };
        // What has neither port nor protocol (ICMP) cannot be named in a conduit, so none can allow it.
        if deed.port.is_none() && deed.protocol.is_none() {
            return Crossing::Free;
        }
        let pair = |c: &Conduit| c.from == deed.who.zone && c.to == to.zone;
        for (number, conduit) in (1..).zip(&self.conduit).filter(|(_, c)| pair(c)) {
            named = true;
            let service = conduit.services.iter().any(|service| service.is(deed.protocol, deed.port));
            let action = conduit.actions.is_empty()
                || deed.action.is_none_or(|action| conduit.actions.contains(&action));
            if service && action {
                return Crossing::Allowed(number);
            }
        }
        if named { Crossing::Violation } else { Crossing::Free }
    }
}
