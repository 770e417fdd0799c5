//! Who sends under an address that is not its own.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::address::is_unicast;
use super::device::Device;
use super::host::Host;
use super::identity::ADDRESSES_OF_ONE_DEVICE;
use super::segment::{SiteAddr, SiteMac};
use super::table::Worth;

/// Addresses behind a MAC from which nobody ever went on to speak that make it one that forges them, where nothing is known
/// yet of any. More than take their first packets through a router at the same moment.
const FORGED: usize = 32;

/// How many addresses are forged: by whom, from which MAC.
pub type Forged = BTreeMap<(SiteAddr, SiteMac), u64>;

/// Of which as many stay remembered as long as it sends.
const KEPT: usize = ADDRESSES_OF_ONE_DEVICE + 1;

/// Addresses behind a MAC that it did not prove.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind {
    /// From which somebody answered what was sent there ([`Host::heard`]); who forges sources cannot. Some of them.
    heard: BTreeSet<SiteAddr>,
    /// All others, as far as they matter.
    mute: BTreeSet<SiteAddr>,
}

/// Addresses behind a MAC are soon seen again.
impl Worth for Behind {
    fn is_known(&self) -> bool {
        false
    }
}

impl Behind {
    /// Whether so many are a router's.
    pub(super) fn routes(&self) -> bool {
        self.len() > ADDRESSES_OF_ONE_DEVICE
    }

    fn len(&self) -> usize {
        self.heard.len().saturating_add(self.mute.len())
    }

    fn all(&self) -> impl Iterator<Item = &SiteAddr> {
        self.heard.iter().chain(&self.mute)
    }

    pub(super) fn remove(&mut self, ip: SiteAddr) {
        self.heard.remove(&ip);
        self.mute.remove(&ip);
    }

    /// One more; those that were learned find room also after a flood of others.
    pub(super) fn add(&mut self, ip: SiteAddr, heard: bool, learned: bool) {
        let most = FORGED.saturating_add(if learned { ADDRESSES_OF_ONE_DEVICE } else { 1 });
        if heard {
            self.mute.remove(&ip);
            if self.heard.len() <= ADDRESSES_OF_ONE_DEVICE {
                self.heard.insert(ip);
            }
        } else if self.mute.len() < most && !self.heard.contains(&ip) {
            self.mute.insert(ip);
        }
    }
}

impl World {
    /// The device that sends under `ip` without owning it, and its MAC: the one that proved that the MAC is its own, or, where
    /// none did, the first of many addresses behind it. `None` where `ip` may well be somebody itself: it was learned or
    /// named, it answered what was sent to it, or the MAC is a router's.
    ///
    /// After learning a router is one behind whose MAC others were learned. Before, and where nothing was learned, it is one
    /// behind whose MAC several answered; until [`FORGED`] did not, all are taken for who they seem to be.
    pub fn sender(&self, ip: SiteAddr) -> Option<(SiteAddr, SiteMac)> {
        let host = self.hosts.get(&ip).filter(|host| host.mac.is_none() && !host.heard)?;
        let mac = host.via?;
        let behind = self.macs.get(&mac)?;
        let new = self.is_new(ip);
        let forges = if new {
            !behind.all().any(|of| self.is_learned(*of))
        } else {
            let unknown = !host.graduated && host.days.len() <= 1;
            let several = behind.heard.len() > ADDRESSES_OF_ONE_DEVICE;
            // What comes from outside comes through somebody who also speaks for himself.
            let outside = !behind.heard.is_empty() && self.is_external(ip);
            unknown && !several && !outside && behind.mute.len() > FORGED
        };
        if !forges || self.asset(ip).is_some() {
            return None;
        }
        let owner = self.hosts.known(mac.addr()).map(|owner| self.hosts.address(owner));
        let first = || {
            let addresses = if behind.heard.is_empty() { &behind.mute } else { &behind.heard };
            let seen = addresses.iter().filter_map(|of| Some((self.hosts.get(of)?.first, *of)));
            seen.min().map(|(_, of)| of).filter(|_| behind.routes())
        };
        owner.or_else(first).filter(|owner| *owner != ip).map(|owner| (owner, mac))
    }

    /// Devices by their address, and forged addresses apart: by the device that sends under them, its MAC and how many.
    pub fn devices(&self) -> (Vec<(SiteAddr, &Host)>, Forged) {
        let mut forged = Forged::new();
        // A group, or the address a client has before it has one, is no device.
        let mut devices: Vec<_> = self.hosts.iter().filter(|(ip, _)| is_unicast(*ip)).collect();
        devices.retain(|(ip, _)| match self.sender(*ip) {
            None => true,
            Some(sender) => {
                let n = forged.entry(sender).or_default();
                *n = n.saturating_add(1);
                false
            }
        });
        devices.sort_by_key(|(ip, _)| *ip);
        (devices, forged)
    }

    fn is_learned(&self, ip: SiteAddr) -> bool {
        self.hosts.get(&ip).is_some() && !self.is_new(ip)
    }

    /// A packet from `ip` came from a MAC that did not prove it.
    pub(super) fn note_behind(&mut self, ip: SiteAddr, mac: SiteMac) {
        let learned = self.is_learned(ip);
        let heard = self.hosts.get(&ip).is_some_and(|host| host.heard);
        self.macs.entry(&mac, Behind::default).add(ip, heard, learned);
    }

    /// Whoever sends under ever new addresses is told by the first of them, which are remembered as long as it does.
    pub(super) fn keep_first_behind(&mut self, mac: SiteMac, but: SiteAddr) {
        let Some(behind) = self.macs.get(&mac).filter(|behind| behind.routes()) else { return };
        let first = behind.all().filter(|ip| **ip != but).take(KEPT);
        let first: Vec<Device> = first.filter_map(|ip| self.hosts.known(*ip)).collect();
        for device in first {
            self.hosts.enter(device, Host::default);
        }
    }

    /// Somebody answers at this address what is sent to it: nobody who forges it could know what to say.
    pub fn note_heard(&mut self, ip: SiteAddr) {
        let Some(host) = self.hosts.get(&ip).filter(|host| !host.heard) else { return };
        let (via, mac) = (host.via, host.mac);
        if let Some(host) = self.hosts.get_mut(&ip) {
            host.heard = true;
        }
        if let (Some(via), None) = (via, mac) {
            self.note_behind(ip, via);
        }
    }

    /// Puts a stored device back, and where its packets came from.
    pub fn restore_host(&mut self, device: Device, host: Host) {
        let behind = host.via.filter(|_| host.mac.is_none() && device.is_first());
        self.hosts.restore(device, host);
        if let Some(mac) = behind {
            let ip = self.hosts.address(device);
            self.note_behind(ip, mac);
        }
    }
}
