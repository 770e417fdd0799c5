//! What operators tell a sensor: orders, numbered in the order they were typed.
//!
//! An order is appended to a journal in the state and carried out by whoever owns that state: a running sensor within a
//! second, otherwise whoever reads the state next. So nobody but the owner ever writes what was learned and found, and
//! neither side's writes can be lost.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Allow;
use crate::incident::types::Taken;
use crate::mind::Mind;
use crate::observer::Observer;
use crate::state::SiteAddr;
use crate::time::Time;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somebody takes this incident.
    Acknowledge(u64),
    /// This is allowed from now on, under the order's number.
    Allow(Box<Allow>),
    /// The allowance of this number no longer holds.
    Undo(u64),
    /// This device is learned anew.
    Relearn(SiteAddr),
    /// Whole frames of this device are kept as evidence for so many minutes.
    Watch(IpAddr, u16),
}

/// An order as it was typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What to do.
    pub what: What,
    /// Who typed it, where that is known.
    #[serde(default)]
    pub by: Option<String>,
    /// When, by the clock of the machine it was typed on.
    pub at: Time,
    /// A word to the next shift.
    #[serde(default)]
    pub note: Option<String>,
}

impl Mind {
    /// Carries out order `number`, in record time `now`. An order that makes no sense any more changes nothing.
    pub fn obey(&mut self, number: u64, order: &Order, now: Time, observer: &mut dyn Observer) {
        match &order.what {
            What::Acknowledge(incident) => {
                let taken = Taken { by: order.by.clone(), at: order.at, note: order.note.clone() };
                self.incidents.take(*incident, taken, &self.world, observer);
            }
            What::Allow(allow) => {
                if self.world.rules.add(number, (**allow).clone()) {
                    self.review(observer);
                }
            }
            What::Undo(allowance) => {
                if self.world.rules.undo(*allowance) {
                    self.disallow(*allowance);
                }
            }
            What::Watch(host, minutes) => {
                let until = order.at.plus(Duration::from_secs(u64::from(*minutes).saturating_mul(60)));
                if until > now {
                    self.watch(*host, until);
                }
            }
            What::Relearn(host) => {
                self.world.relearn(*host, now);
                self.trust(*host);
            }
        }
        self.obeyed = self.obeyed.max(number);
    }
}

#[cfg(test)]
mod tests;
