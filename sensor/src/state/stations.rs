//! Devices behind a router of their protocol: BACnet stations on MS/TP lines and in other networks. They have no address here
//! but one of their network's, and are known by what passes through the router.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::host::Fact;
use super::segment::SiteAddr;
use super::table::{Table, Worth};
use crate::protocol::AssetField;
use crate::time::Time;

/// Routers remembered: a building has a few.
const MAX_ROUTERS: usize = 128;
/// Stations remembered of each: an MS/TP line has at most 127 masters (135-2020, 9.2).
const MAX_STATIONS: usize = 128;
/// Characters kept of a statement.
const MAX_VALUE: usize = 128;

/// What the stations behind one router said about themselves, by `network:address`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed(pub BTreeMap<String, BTreeMap<AssetField, Fact>>);

impl Worth for Routed {
    /// Anybody may claim to be a router; one that was heard of more than one station is more likely to be one.
    fn is_known(&self) -> bool {
        self.0.len() > 1
    }
}

/// Stations by router.
pub struct Stations {
    /// A row for each router.
    pub rows: Table<String, Routed>,
    /// Stations forgotten because their router has too many.
    crowded: u64,
}

impl Default for Stations {
    fn default() -> Self {
        Self { rows: Table::new(MAX_ROUTERS), crowded: 0 }
    }
}

impl Stations {
    /// A station behind `router` said something; returns whether that is new.
    pub fn note(
        &mut self,
        router: SiteAddr,
        station: &str,
        (field, value, source): (AssetField, &str, &str),
        at: Time,
    ) -> bool {
        let value: String = value.chars().take(MAX_VALUE).collect();
        let Routed(stations) = self.rows.entry(&router.to_string(), Routed::default);
        if stations.len() >= MAX_STATIONS && !stations.contains_key(station) {
            // The one that was silent for longest.
            let last = |facts: &BTreeMap<AssetField, Fact>| facts.values().map(|fact| fact.at).max();
            let silent = stations.iter().min_by_key(|(_, facts)| last(facts)).map(|(name, _)| name.clone());
            if let Some(silent) = silent {
                stations.remove(&silent);
                self.crowded = self.crowded.saturating_add(1);
            }
        }
        let facts = stations.entry(station.to_owned()).or_default();
        let new = facts.get(&field).is_none_or(|known| known.value != value);
        facts.insert(field, Fact { value, source: source.to_owned(), at });
        new
    }

    /// The stations behind a router and what they said.
    pub fn behind(&self, router: SiteAddr) -> impl Iterator<Item = (&str, &BTreeMap<AssetField, Fact>)> {
        let stations = self.rows.get(&router.to_string()).map(|Routed(stations)| stations);
        stations.into_iter().flatten().map(|(name, facts)| (name.as_str(), facts))
    }

    /// Rows forgotten for lack of room, of routers and of stations.
    pub fn evicted(&self) -> u64 {
        self.rows.evicted.saturating_add(self.crowded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: SiteAddr = SiteAddr::new(
        std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9)),
        super::super::Segment::SITE,
    );

    #[test]
    fn a_station_is_known_by_network_and_address_and_what_it_repeats_is_no_news() {
        let mut stations = Stations::default();
        let id = (AssetField::Id, "device 7", "bacnet");
        assert!(stations.note(ROUTER, "2001:17", id, Time(1)));
        assert!(!stations.note(ROUTER, "2001:17", id, Time(2)));
        assert!(stations.note(ROUTER, "2001:18", id, Time(3)));
        let names: Vec<_> =
            stations.behind(ROUTER).map(|(name, facts)| (name, facts[&AssetField::Id].at)).collect();
        assert_eq!(names, [("2001:17", Time(2)), ("2001:18", Time(3))]);
    }

    #[test]
    fn a_router_that_invents_stations_forgets_its_own_and_no_other_ones() {
        let mut stations = Stations::default();
        let other = SiteAddr::from([10, 0, 0, 8]);
        stations.note(other, "1:1", (AssetField::Id, "device 1", "bacnet"), Time(0));
        for n in 0..10_000_u64 {
            stations.note(ROUTER, &format!("1:{n}"), (AssetField::Id, "device", "bacnet"), Time(n));
        }
        assert_eq!(stations.behind(ROUTER).count(), MAX_STATIONS);
        assert_eq!(stations.evicted(), 10_000 - MAX_STATIONS as u64);
        assert_eq!(stations.behind(other).count(), 1);
    }
}
