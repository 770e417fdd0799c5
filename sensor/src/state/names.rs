//! Names for addresses, as answers on the wire gave them, and what devices said before they had an address.

use std::collections::BTreeMap;

use hashlink::LruCache;

use super::address::is_unicast;
use super::segment::{SiteAddr, SiteMac};
use crate::protocol::AssetField;
use crate::time::Time;

/// Addresses with a name.
const MAX_NAMES: usize = 65_536;
/// Devices that wait for an address.
const MAX_DEVICES: usize = 4096;

/// The latest name of each address: passive DNS. Whoever answers chooses the names, so they are for people to read and to
/// group endpoints by, never proof.
pub struct Names {
    rows: LruCache<SiteAddr, (Box<str>, Time)>,
    /// Names forgotten for lack of room.
    pub evicted: u64,
}

impl Default for Names {
    fn default() -> Self {
        Self { rows: LruCache::new(MAX_NAMES), evicted: 0 }
    }
}

impl Names {
    /// An answer gave an address a name.
    pub fn note(&mut self, address: SiteAddr, name: &str, now: Time) {
        if !is_unicast(address) || name.is_empty() {
            return;
        }
        if self.rows.len() >= self.rows.capacity() && self.rows.peek(&address).is_none() {
            self.evicted = self.evicted.saturating_add(1);
        }
        self.rows.insert(address, (name.into(), now));
    }

    /// The name an address was last given.
    pub fn of(&self, address: SiteAddr) -> Option<&str> {
        self.rows.peek(&address).map(|(name, _)| &**name)
    }

    /// Addresses and their names, in the order in which they were last named.
    pub fn iter(&self) -> impl Iterator<Item = (SiteAddr, &str)> {
        self.rows.iter().map(|(address, (name, _))| (*address, &**name))
    }

    /// How many addresses have a name.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// What devices said about themselves while nobody knew their address, by MAC.
pub struct Stated {
    rows: LruCache<SiteMac, BTreeMap<AssetField, Box<str>>>,
}

impl Default for Stated {
    fn default() -> Self {
        Self { rows: LruCache::new(MAX_DEVICES) }
    }
}

impl Stated {
    /// A device said something.
    pub fn note(&mut self, mac: SiteMac, field: AssetField, value: &str) {
        self.rows.entry(mac).or_insert_with(BTreeMap::new).insert(field, value.into());
    }

    /// Everything it said, now that it has an address.
    pub fn take(&mut self, mac: SiteMac) -> BTreeMap<AssetField, Box<str>> {
        self.rows.remove(&mac).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_latest_name_counts_and_groups_have_none() {
        let mut names = Names::default();
        let address = SiteAddr::from(IpAddr::from([192, 0, 2, 1]));
        names.note(address, "a.example", Time(1));
        names.note(address, "b.example", Time(2));
        names.note(IpAddr::from([224, 0, 0, 251]).into(), "group.local", Time(2));
        assert_eq!((names.of(address), names.len()), (Some("b.example"), 1));
    }

    #[test]
    fn a_flood_of_names_stays_bounded_and_is_counted() {
        let mut names = Names::default();
        for i in 0..MAX_NAMES as u32 + 10 {
            names.note(IpAddr::from((0x0a00_0000 + i).to_be_bytes()).into(), "x.example", Time(1));
        }
        assert_eq!((names.len(), names.evicted), (MAX_NAMES, 10));
    }

    #[test]
    fn what_a_device_said_is_taken_once() {
        let mut stated = Stated::default();
        stated.note([1; 6].into(), AssetField::Name, "ES1");
        assert_eq!(stated.take([1; 6].into()).len(), 1);
        assert!(stated.take([1; 6].into()).is_empty());
    }
}
