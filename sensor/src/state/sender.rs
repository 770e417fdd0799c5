//! Who sends under an address that is not its own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::World;
use super::address::of_mac;
use super::identity::ADDRESSES_OF_ONE_DEVICE;

impl World {
    /// The device that sends under `ip` without owning it, and its MAC: the host that proved that the MAC is its own,
    /// or, where none did, the first of many new addresses behind it. `None` where `ip` may well be somebody itself: it
    /// was learned, it answered for itself, or the MAC is a router's, behind which other hosts were learned.
    pub fn sender(&self, ip: IpAddr) -> Option<(IpAddr, [u8; 6])> {
        if !self.is_new(ip) {
            return None;
        }
        let host = self.hosts.get(&ip).filter(|host| host.mac.is_none())?;
        let mac = host.via?;
        let behind = self.macs.get(&mac)?;
        if behind.iter().any(|of| self.is_learned(*of)) {
            return None;
        }
        let by_mac = of_mac(mac);
        let owner = self.hosts.known(by_mac).map(|owner| self.hosts.address(owner));
        let first = || {
            let seen = behind.iter().filter_map(|of| Some((self.hosts.get(of)?.first, *of)));
            seen.min().map(|(_, of)| of).filter(|_| behind.len() > ADDRESSES_OF_ONE_DEVICE)
        };
        owner.or_else(first).map(|owner| (owner, mac))
    }

    fn is_learned(&self, ip: IpAddr) -> bool {
        self.hosts.get(&ip).is_some() && !self.is_new(ip)
    }

    /// Whether one more address behind a MAC is worth remembering: enough to tell a router from a device, and those that
    /// were learned also after a flood of others.
    pub(super) fn remembers_behind(&self, behind: &BTreeSet<IpAddr>, ip: IpAddr) -> bool {
        behind.len() <= ADDRESSES_OF_ONE_DEVICE
            || (behind.len() <= 2 * ADDRESSES_OF_ONE_DEVICE && !behind.contains(&ip) && self.is_learned(ip))
    }
}
