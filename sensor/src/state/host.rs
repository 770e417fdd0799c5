//! A device: what it is, since when, and what it usually does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::device::Device;
use super::habits::Habits;
use super::outflow::Outflow;
use super::segment::{SiteAddr, SiteMac};
use super::tally::Tally;
use crate::protocol::{self, Action, AssetField};
use crate::time::Time;

/// Controllers remembered that a host drives.
pub const MAX_DRIVEN: usize = 16;
/// MACs remembered of a device's addresses.
const MAX_MACS: usize = 8;
/// Addresses remembered of a device: IPv6 makes a new one each day (RFC 8981) and keeps it for seven.
const MAX_ADDRESSES: usize = 16;
/// An address that was not used for so long while another was is no longer the one the device is known by.
const UNUSED: Duration = Duration::from_secs(3600);
/// Names remembered that a device had before it was known to be one.
const MAX_NAMES: usize = 4;
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

/// An address a device has or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: SiteAddr,
    /// First proof that it is the device's.
    pub first: Time,
    /// Last sign of it; where another device has it by now, when that was first seen.
    pub last: Time,
    /// Another device has it by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// The device that had it before, unless the address was leased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Device>,
}

/// What a device stated, as stored: states of the first version held one statement of a kind.
fn stated<'de, D: Deserializer<'de>>(stored: D) -> Result<BTreeMap<AssetField, Vec<Fact>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Many(Vec<Fact>),
        One(Fact),
    }
    let fields = BTreeMap::<AssetField, Stored>::deserialize(stored)?;
    let list = |facts| match facts {
        Stored::Many(facts) => facts,
        Stored::One(fact) => vec![fact],
    };
    Ok(fields.into_iter().map(|(field, facts)| (field, list(facts))).collect())
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
    /// Its MAC, where it proved to own it (see [`identity`](super::identity)).
    pub mac: Option<SiteMac>,
    /// Addresses it proved to have, the latest last, at most [`MAX_ADDRESSES`]. None: the one it is called by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Names under which conversations of it were learned before it was known to be one device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Device>,
    /// The address that was leased to its MAC and was not yet seen in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased: Option<SiteAddr>,
    /// The MAC its packets came from while it was being learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<SiteMac>,
    /// The MAC its packets come from, a router's where they are routed.
    pub via: Option<SiteMac>,
    /// What it said about itself, in each protocol.
    #[serde(deserialize_with = "stated")]
    pub facts: BTreeMap<AssetField, Vec<Fact>>,
    /// Industrial protocols it answers, with the connections.
    pub serves: BTreeMap<String, u64>,
    /// Industrial protocols it drives.
    pub drives: BTreeMap<String, u64>,
    /// Its industrial part was ordinary: it belongs to OT.
    pub speaks_ot: bool,
    /// It answers RDP.
    pub serves_rdp: bool,
    /// It answered what was sent to it: it is there, and nobody's forgery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
    /// Packets were seen going to it: its return direction is visible here.
    pub received: bool,
    /// Hosts whose industrial services it usually uses, at most [`MAX_DRIVEN`].
    #[serde(default)]
    pub drives_controllers: BTreeSet<Device>,
    /// What it usually does there.
    #[serde(default)]
    pub did: BTreeSet<Action>,
    /// What it is used to, for the probability of something new.
    #[serde(default)]
    pub habits: Habits,
    /// MACs that proved to own an address it has, each with its first and last proof, the latest last.
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
    pub fn state(&mut self, field: AssetField, value: &str, source: &str, at: Time) -> (Option<Fact>, bool) {
        let facts = self.facts.entry(field).or_default();
        // A host runs many programs and may be several devices of one protocol, each with an id; of everything else there
        // is one.
        let many = matches!(field, AssetField::Id | AssetField::Software);
        let same = |known: &Fact| known.source == source && (!many || known.value == value);
        let fact = || Fact { value: value.to_owned(), source: source.to_owned(), at };
        if let Some(known) = facts.iter_mut().find(|known| same(known)) {
            // Devices repeat themselves.
            if known.value == value {
                known.at = at;
                return (None, false);
            }
            return (Some(std::mem::replace(known, fact())), true);
        }
        let room = facts.len() < MAX_FACTS;
        if room {
            facts.push(fact());
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
        match self.macs.iter_mut().find(|(known, ..)| *known == mac) {
            Some((_, _, last)) => *last = now.max(*last),
            None => {
                if self.macs.len() >= MAX_MACS {
                    self.macs.remove(0);
                }
                self.macs.push((mac, now, now));
            }
        }
    }

    /// Addresses it has.
    pub fn has_now(&self) -> impl Iterator<Item = SiteAddr> {
        self.addresses.iter().filter(|address| !address.gone).map(|address| address.ip)
    }

    /// Whether it ever proved to have an address.
    pub(super) fn had(&self, ip: SiteAddr) -> bool {
        self.addresses.iter().any(|address| address.ip == ip)
    }

    /// The address it is best known by, of IPv4 where it has any; without one what stands for its MAC, or what it was called
    /// first.
    pub(super) fn address(&self, device: Device) -> SiteAddr {
        let has = |v4: bool| {
            let of = move |has: &&Address| !has.gone && (!v4 || has.ip.is_ipv4());
            let latest = self.addresses.iter().filter(of).map(|has| has.last).max()?;
            let used = move |has: &&Address| of(has) && latest.since(has.last) < UNUSED;
            self.addresses.iter().rev().find(used).map(|has| has.ip)
        };
        let unknown = || self.mac.filter(|_| self.had(device.name)).map_or(device.name, SiteMac::addr);
        has(true).or_else(|| has(false)).unwrap_or_else(unknown)
    }

    /// It has an address; `best`: it is to be known by it. Returns the one that is forgotten for it, where it had too many.
    pub(super) fn has(&mut self, ip: SiteAddr, best: bool, now: Time) -> Option<SiteAddr> {
        let at = self.addresses.iter().position(|address| address.ip == ip);
        let mut address = match at {
            Some(_) if !best => {
                self.uses(ip, now);
                return None;
            }
            Some(at) => self.addresses.remove(at),
            None => Address { ip, first: now, last: now, gone: false, former: None },
        };
        (address.last, address.gone) = (address.last.max(now), false);
        let at = if best { self.addresses.len() } else { self.addresses.len().saturating_sub(1) };
        self.addresses.insert(at, address);
        if self.addresses.len() <= MAX_ADDRESSES {
            return None;
        }
        let oldest =
            (0..).zip(&self.addresses).min_by_key(|(_, address)| address.last).map_or(0, |(at, _)| at);
        Some(self.addresses.remove(oldest).ip)
    }

    /// A packet came from an address it has.
    pub(super) fn uses(&mut self, ip: SiteAddr, now: Time) {
        if let Some(address) = self.addresses.iter_mut().find(|address| address.ip == ip) {
            (address.last, address.gone) = (address.last.max(now), false);
        }
    }

    /// Another device has an address it had.
    pub(super) fn lost(&mut self, ip: SiteAddr, now: Time) {
        if let Some(address) = self.addresses.iter_mut().find(|address| address.ip == ip) {
            (address.gone, address.last) = (true, now);
        } else if self.addresses.len() < MAX_ADDRESSES {
            self.addresses.insert(0, Address { ip, first: self.first, last: now, gone: true, former: None });
        }
    }

    /// Another device had this address of it before.
    pub(super) fn follows(&mut self, ip: SiteAddr, former: Device) {
        if let Some(address) = self.addresses.iter_mut().find(|address| address.ip == ip) {
            address.former = Some(former);
        }
    }

    /// The device that had this address of it before.
    pub(super) fn former(&self, ip: SiteAddr) -> Option<Device> {
        self.addresses.iter().find(|address| address.ip == ip)?.former
    }

    /// Takes over what was known of it under another name.
    pub(super) fn absorb(&mut self, name: Device, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.days.extend(other.days);
        while self.days.len() > 64 {
            self.days.pop_first();
        }
        self.graduated |= other.graduated;
        self.newcomer &= other.newcomer;
        self.relearns = self.relearns.max(other.relearns);
        self.mac = self.mac.or(other.mac);
        self.via = self.via.or(other.via);
        self.carrier = self.carrier.or(other.carrier);
        for (field, facts) in other.facts {
            for fact in facts {
                self.state(field, &fact.value, &fact.source, fact.at);
            }
        }
        for (from, to) in [(other.serves, &mut self.serves), (other.drives, &mut self.drives)] {
            for (protocol, n) in from {
                let sum = to.entry(protocol).or_default();
                *sum = sum.saturating_add(n);
            }
            while to.len() > MAX_PROTOCOLS {
                to.pop_last();
            }
        }
        self.speaks_ot |= other.speaks_ot;
        self.serves_rdp |= other.serves_rdp;
        self.received |= other.received;
        self.heard |= other.heard;
        let room = MAX_DRIVEN.saturating_sub(self.drives_controllers.len());
        self.drives_controllers.extend(other.drives_controllers.into_iter().take(room));
        self.did.extend(other.did);
        // Of what is counted the longer record stands: two cannot be added up.
        if self.habits == Habits::default() {
            self.habits = other.habits;
        }
        for (own, other) in [
            (&mut self.failures, other.failures),
            (&mut self.ics_failures, other.ics_failures),
            (&mut self.external_failures, other.external_failures),
            (&mut self.external_new, other.external_new),
        ] {
            if *own == Tally::default() {
                *own = other;
            }
        }
        self.outflow = self.outflow.take().or(other.outflow);
        for (mac, first, last) in other.macs {
            self.owned_by(mac, first);
            self.owned_by(mac, last);
        }
        for address in other.addresses {
            if !self.had(address.ip) && self.addresses.len() < MAX_ADDRESSES {
                self.addresses.push(address);
            }
        }
        for name in other.names.into_iter().chain([name]) {
            if self.names.len() < MAX_NAMES && !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// MACs that proved an address before it did.
    pub(super) fn owned_before(&mut self, macs: Vec<([u8; 6], Time, Time)>) {
        for mac in macs.into_iter().rev() {
            if self.macs.len() < MAX_MACS && !self.macs.iter().any(|(known, ..)| *known == mac.0) {
                self.macs.insert(0, mac);
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
