//! A device: what it is, since when, and what it usually does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::habits::Habits;
use super::outflow::Outflow;
use super::tally::Tally;
use crate::protocol::{self, Action, AssetField};
use crate::time::Time;

/// Controllers remembered that a host drives.
pub const MAX_DRIVEN: usize = 16;
/// MACs remembered of an address.
const MAX_MACS: usize = 8;
/// Statements of one kind that are remembered.
const MAX_FACTS: usize = 8;

/// Industrial protocols a host is known to serve or drive.
const MAX_PROTOCOLS: usize = 32;

/// A fact a device stated, where and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The statement.
    pub value: String,
    /// The protocol it was stated in.
    pub source: String,
    /// When it was last stated.
    pub at: Time,
}

/// How far learning has come for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceStage {
    /// Everything it does is taken for ordinary.
    Learning,
    /// New things are news; numbers are still being learned.
    Dynamic,
    /// Judged in full.
    Operational,
}

impl DeviceStage {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Dynamic => "dynamic",
            Self::Operational => "operational",
        }
    }
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// First packet from it.
    pub first: Time,
    /// Last packet from it.
    pub last: Time,
    /// Days (since the epoch) on which it was active, at most the last 64.
    pub days: BTreeSet<u32>,
    /// Learning was declared over for it.
    pub graduated: bool,
    /// It came after the site's learning had ended.
    pub newcomer: bool,
    /// Since when somebody has it learned anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relearns: Option<Time>,
    /// Its MAC, where ARP proved that it owns it.
    pub mac: Option<[u8; 6]>,
    /// The MAC its packets come from, a router's where they are routed.
    pub via: Option<[u8; 6]>,
    /// What it said about itself, in each protocol.
    pub facts: BTreeMap<AssetField, Vec<Fact>>,
    /// Industrial protocols it answers, with the connections.
    pub serves: BTreeMap<String, u64>,
    /// Industrial protocols it drives.
    pub drives: BTreeMap<String, u64>,
    /// Its industrial part was ordinary: it belongs to OT.
    pub speaks_ot: bool,
    /// It answers RDP.
    pub serves_rdp: bool,
    /// Packets were seen going to it: its return direction is visible here.
    pub received: bool,
    /// Hosts whose industrial services it usually uses, at most [`MAX_DRIVEN`].
    #[serde(default)]
    pub drives_controllers: BTreeSet<IpAddr>,
    /// What it usually does there.
    #[serde(default)]
    pub did: BTreeSet<Action>,
    /// What it is used to, for the probability of something new.
    #[serde(default)]
    pub habits: Habits,
    /// MACs that proved to own the address, each with its first and last proof, the latest last.
    #[serde(default)]
    pub macs: Vec<([u8; 6], Time, Time)>,
    /// Failed connections to local hosts.
    pub failures: Tally,
    /// Failed connections to industrial services.
    pub ics_failures: Tally,
    /// Failed connections to the outside.
    pub external_failures: Tally,
    /// External endpoints new to it.
    pub external_new: Tally,
    /// What it sent outside by the day, all together, where that is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outflow: Option<Box<Outflow>>,
}

impl super::table::Worth for Host {
    /// Two days are more than a flood lasts.
    fn is_known(&self) -> bool {
        self.graduated || self.days.len() > 1 || !self.serves.is_empty() || !self.drives.is_empty()
    }
}

impl Host {
    /// The best of what it said about something: industrial protocols know the device, others what runs on it; of two that
    /// are as good the latest.
    pub fn fact(&self, field: AssetField) -> Option<&Fact> {
        let knows = |fact: &Fact| protocol::by_name(&fact.source).is_some_and(|spec| spec.industrial);
        let facts = self.facts.get(&field)?.iter();
        facts.max_by(|a, b| (knows(a), a.at, &a.value).cmp(&(knows(b), b.at, &b.value)))
    }

    /// Notes a statement; returns what it said before in the same protocol, where that is something else, and whether the
    /// statement is new.
    pub fn state(&mut self, field: AssetField, fact: Fact) -> (Option<Fact>, bool) {
        let facts = self.facts.entry(field).or_default();
        // A host runs many programs; of everything else there is one.
        let (source, value) = (fact.source.clone(), fact.value.clone());
        let same =
            |known: &Fact| known.source == source && (field != AssetField::Software || known.value == value);
        if let Some(known) = facts.iter_mut().find(|known| same(known)) {
            let old = std::mem::replace(known, fact);
            let new = old.value != known.value;
            return (new.then_some(old), new);
        }
        let room = facts.len() < MAX_FACTS;
        if room {
            facts.push(fact);
        }
        (None, room)
    }

    /// Notes activity at `now`.
    pub fn active(&mut self, now: Time) {
        self.last = self.last.max(now);
        let day = u32::try_from(now.seconds() / 86_400).unwrap_or(u32::MAX);
        if self.days.insert(day) && self.days.len() > 64 {
            self.days.pop_first();
        }
    }

    /// A MAC proved that it owns the address.
    pub fn owned_by(&mut self, mac: [u8; 6], now: Time) {
        self.mac = Some(mac);
        match self.macs.iter_mut().find(|(known, ..)| *known == mac) {
            Some((_, _, last)) => *last = now,
            None => {
                if self.macs.len() >= MAX_MACS {
                    self.macs.remove(0);
                }
                self.macs.push((mac, now, now));
            }
        }
    }

    /// Notes that it answers (`serves`) or drives an industrial protocol.
    pub fn industrial(&mut self, protocol: &str, serves: bool) {
        let table = if serves { &mut self.serves } else { &mut self.drives };
        if let Some(n) = table.get_mut(protocol) {
            *n = n.saturating_add(1);
        } else if table.len() < MAX_PROTOCOLS {
            table.insert(protocol.to_owned(), 1);
        }
    }
}
