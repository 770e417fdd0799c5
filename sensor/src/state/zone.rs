//! Which part of the plant an address belongs to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::address::{is_private, is_unicast, site_prefix};
use super::segment::{Segment, SiteAddr};

/// What a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Controllers and what drives them.
    Ot,
    /// The rest of the company.
    It,
    /// Not the company.
    External,
    /// Groups and everybody.
    Group,
}

impl Kind {
    /// What an inferred zone of this kind is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ot => "ot",
            Self::It => "it",
            Self::External => "external",
            Self::Group => "group",
        }
    }
}

/// A zone's name and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// As configured, or the kind's name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
}

/// A configured zone: its networks, and where their addresses are unique.
#[derive(Clone, Debug)]
pub struct Area {
    /// Its name and kind.
    pub zone: Zone,
    /// Its networks.
    pub networks: Vec<IpNet>,
    /// The segment it is; [`Segment::SITE`] where no other zone has its addresses.
    pub segment: Segment,
}

/// Configured zones, and what stands in for them.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    /// A row for each network, the most specific first.
    configured: Vec<(IpNet, Segment, Zone)>,
    /// Prefixes of hosts proven on-link: public ranges used inside.
    local: BTreeSet<IpAddr>,
}

/// Public prefixes believed to be local; more than any plant has.
const MAX_LOCAL: usize = 64;

impl Zones {
    /// Zones from configuration.
    pub fn new(areas: Vec<Area>) -> Self {
        let rows = |Area { zone, networks, segment }: Area| {
            networks.into_iter().map(move |net| (net, segment, zone.clone()))
        };
        let mut configured: Vec<_> = areas.into_iter().flat_map(rows).collect();
        configured.sort_by_key(|(net, ..)| std::cmp::Reverse(net.prefix_len()));
        Self { configured, local: BTreeSet::new() }
    }

    /// Other configured zones; what was found local stays so.
    pub fn configure(&mut self, zones: Self) {
        self.configured = zones.configured;
    }

    /// ARP proved that this address is on a local link, or two public addresses of one prefix talk to each other.
    pub fn note_local(&mut self, ip: SiteAddr) {
        if is_unicast(ip) && !is_private(ip) && self.local.len() < MAX_LOCAL {
            self.local.insert(site_prefix(ip));
        }
    }

    /// Public prefixes taken to be local.
    pub fn local(&self) -> impl Iterator<Item = IpAddr> {
        self.local.iter().copied()
    }

    /// Whether the address belongs to the company.
    pub fn is_local(&self, ip: SiteAddr) -> bool {
        self.configured_zone(ip).is_some_and(|zone| zone.kind != Kind::External)
            || is_private(ip)
            || self.local.contains(&site_prefix(ip))
    }

    /// What the zone of an address is for; `speaks_ot` as in [`Zones::of`].
    pub fn kind(&self, ip: SiteAddr, speaks_ot: bool) -> Kind {
        if let Some(zone) = self.configured_zone(ip) {
            return zone.kind;
        }
        if !is_unicast(ip) {
            Kind::Group
        } else if !self.is_local(ip) {
            Kind::External
        } else if speaks_ot {
            Kind::Ot
        } else {
            Kind::It
        }
    }

    /// The zone of an address; `speaks_ot`: it answered or drove industrial content while that was ordinary.
    pub fn of(&self, ip: SiteAddr, speaks_ot: bool) -> Zone {
        match self.configured_zone(ip) {
            Some(zone) => zone.clone(),
            None => {
                let kind = self.kind(ip, speaks_ot);
                Zone { name: kind.name().to_owned(), kind }
            }
        }
    }

    /// The configured zone of an address. What is in a segment is in its zone, whatever address it has.
    pub fn configured_zone(&self, ip: SiteAddr) -> Option<&Zone> {
        let own = ip.segment != Segment::SITE && is_unicast(ip);
        let holds = |(net, segment, _): &&(IpNet, Segment, Zone)| {
            *segment == ip.segment && (own || net.contains(&ip.ip))
        };
        self.configured.iter().find(holds).map(|(.., zone)| zone)
    }
}
