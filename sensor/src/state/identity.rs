//! Which device an address belongs to, and what proves it.
//!
//! A MAC proves an address where a frame *from* that MAC speaks for it: ARP (RFC 826), Neighbor Discovery (RFC 4861), an
//! answer of PROFINET DCP. A lease (DHCP) tells which address a MAC is about to use; where the MAC itself is seen here, its first
//! frame from there is the proof. An IP packet alone proves nothing, a router's MAC brings many. What was learned stays with
//! the device, that is with its MAC:
//!
//! - a device known by its MAC that proves an address has that address too;
//! - a device known by an address whose packets always came from the MAC that proves the address now is that MAC's;
//! - an address that another MAC proves is that other device's from then on, which has nothing of what the former one was
//!   trusted with; the former one has it back with its next proof, or its next packet. So whoever takes another's address
//!   is a stranger, also while both claim it in turns, and the owner never becomes one. What *others* usually do there stays
//!   usual: they mean the address, and do what they always did ([`World::formers`]). Nobody means a leased one.
//!
//! Who forges the MAC as well as the address cannot be told from the device at this place.

use std::time::Duration;

use super::World;
use super::address::{is_unicast, is_virtual};
use super::device::Device;
use super::host::{DeviceStage, Host};
use super::segment::{SiteAddr, SiteMac};
use super::sender::Behind;
use crate::time::Time;

/// A MAC with more addresses behind it that it did not prove belongs to a router.
pub(super) const ADDRESSES_OF_ONE_DEVICE: usize = 3;
/// IPv4 addresses a MAC may prove within [`RECENT`] and be one device. One that answers for more does so for others
/// (proxy ARP, RFC 1027), or means harm.
const ADDRESSES_PROVEN: usize = 3;
const RECENT: Duration = Duration::from_secs(86_400);

/// Whether a MAC names one interface.
const fn is_one(mac: SiteMac) -> bool {
    let [first, ..] = mac.mac;
    first & 1 == 0 && !matches!(mac.mac, [0, 0, 0, 0, 0, 0])
}

/// Whether that interface is one device's for good.
const fn names_one(mac: SiteMac) -> bool {
    is_one(mac) && !is_virtual(mac.mac)
}

impl World {
    /// The address of the device a MAC belongs to; of an unknown one, what stands for the MAC.
    pub fn device(&self, mac: SiteMac) -> SiteAddr {
        self.owner_of(mac).unwrap_or_else(|| mac.addr())
    }

    /// The address of the device a MAC is known to belong to.
    pub fn owner_of(&self, mac: SiteMac) -> Option<SiteAddr> {
        self.hosts.known(mac.addr()).map(|device| self.hosts.address(device))
    }

    /// A frame without IP came from this MAC; nothing on its way changes the source.
    pub fn note_link(&mut self, mac: SiteMac, now: Time) {
        if names_one(mac) {
            let host = self.host(mac.addr(), now);
            host.mac = Some(mac);
            host.owned_by(mac.mac, now);
        }
    }

    /// A packet from `ip` came from this MAC: its own, or that of a router on its way. Returns whether its owner has the address
    /// back from another device by it.
    pub fn note_packet(&mut self, ip: SiteAddr, mac: SiteMac, now: Time) -> bool {
        if !is_unicast(ip) || !is_one(mac) {
            return false;
        }
        if let Some(owner) = self.hosts.known(mac.addr()) {
            let has = self.hosts.device(&ip) == owner;
            let had = self.hosts.of(owner).is_some_and(|host| host.had(ip));
            let leased = self.hosts.of(owner).is_some_and(|host| host.leased == Some(ip));
            if !has && (had || leased) {
                self.prove(ip, mac, now);
                return had && !leased;
            }
            if has {
                let host = self.host(ip, now);
                host.via = Some(mac);
                host.uses(ip, now);
                return false;
            }
        }
        self.give_back(ip, mac, now);
        let learning = self.stage(ip) == DeviceStage::Learning;
        let known = self.hosts.get(&ip).is_some();
        let host = self.host(ip, now);
        host.via = Some(mac);
        if learning || host.carrier.is_none() {
            host.carrier = Some(mac);
        }
        self.note_behind(ip, mac);
        if !known {
            self.keep_first_behind(mac, ip);
        }
        false
    }

    /// A routed host has its address back where a packet comes on the way on which it was learned.
    fn give_back(&mut self, ip: SiteAddr, mac: SiteMac, now: Time) {
        let first = Device::first(ip);
        let owned = |host: &Host| host.mac.is_none() && host.had(ip) && host.carrier == Some(mac);
        if self.hosts.device(&ip) != first && self.hosts.rows().get(&first).is_some_and(owned) {
            self.hosts.take(ip, first, now);
            if let Some(host) = self.hosts.of_mut(first) {
                host.uses(ip, now);
            }
        }
    }

    /// A DHCP server gave an address to a MAC.
    pub fn note_lease(&mut self, ip: SiteAddr, mac: SiteMac, now: Time) {
        let Some(owner) = self.hosts.known(mac.addr()) else {
            // Nobody's lease takes an address from a host that was learned without a MAC.
            let known = self.hosts.known(ip).filter(|holder| !self.may_be(*holder, ip, mac));
            if known.is_none_or(|holder| self.hosts.of(holder).is_some_and(|host| host.mac.is_some())) {
                self.own(ip, mac, true, now);
            }
            return;
        };
        let seen_here = self.hosts.of(owner).is_some_and(|host| host.via == Some(mac));
        if seen_here && self.hosts.device(&ip) != owner {
            self.hosts.enter(owner, Host::default).leased = Some(ip);
        } else {
            self.own(ip, mac, true, now);
        }
    }

    /// A MAC proves that an address is its own.
    pub fn prove(&mut self, ip: SiteAddr, mac: SiteMac, now: Time) {
        self.own(ip, mac, false, now);
    }

    /// As [`World::prove`]; `leased`: it is the one it is to be known by.
    fn own(&mut self, ip: SiteAddr, mac: SiteMac, leased: bool, now: Time) {
        if !is_unicast(ip) || !names_one(mac) {
            return;
        }
        self.zones.note_local(ip);
        let routes = self.routes(mac);
        let (owner, proven) = self.owner(ip, mac, now);
        let known = self.hosts.of(owner).map(|host| host.mac.is_some());
        let made = if known.is_none() { Some(self.at_first_sight(ip, now)) } else { None };
        let host = self.hosts.enter(owner, || made.unwrap_or_default());
        host.active(now);
        let leased = leased || host.leased == Some(ip);
        let follows = !leased && !host.had(ip);
        let former = self.hosts.known(ip).filter(|former| follows && *former != owner);
        if !proven {
            match former {
                Some(former) => {
                    self.hosts.give(ip, owner, false, now);
                    self.hosts.follow(ip, owner, former);
                }
                None => {
                    self.hosts.take(ip, owner, now);
                }
            }
            return;
        }
        let Some(host) = self.hosts.of_mut(owner) else { return };
        if !routes && let Some(behind) = self.macs.get_mut(&mac) {
            behind.remove(ip);
        }
        host.mac = Some(mac);
        host.owned_by(mac.mac, now);
        host.leased = host.leased.filter(|leased| *leased != ip);
        self.hosts.lead(mac.addr(), owner);
        self.hosts.give(ip, owner, leased, now);
        if let Some(former) = former {
            self.hosts.follow(ip, owner, former);
        }
        // By its MAC it may be a member of a redundant group.
        if known != Some(true) && self.elder(ip) != ip {
            let known = self.at_first_sight(ip, now);
            let host = self.host(ip, now);
            (host.newcomer, host.graduated) = (known.newcomer, known.graduated);
            host.speaks_ot |= known.speaks_ot;
        }
    }

    /// The device, known or to be made, that has an address which this MAC speaks for, and whether it is the MAC's.
    fn owner(&mut self, ip: SiteAddr, mac: SiteMac, now: Time) -> (Device, bool) {
        let by_mac = mac.addr();
        let (own, holder) = (self.hosts.known(by_mac), self.hosts.known(ip));
        if let Some(own) = own
            && self.proves_many(own, ip, mac, now)
        {
            // Left alone where nobody else was proven; else nobody's, so that nobody's trust goes to who took it.
            let holder = holder.filter(|holder| self.may_be(*holder, ip, mac));
            return (holder.unwrap_or_else(|| self.hosts.unused(Device::first(ip))), false);
        }
        let device = match (own, holder) {
            (Some(own), Some(holder)) if own == holder => own,
            (Some(own), Some(holder)) if self.may_be(holder, ip, mac) => {
                // The name of an address is preferred: most of what is learned is learned under it.
                let named_by_mac = own == Device::first(by_mac);
                let (stays, goes) = if named_by_mac { (holder, own) } else { (own, holder) };
                self.hosts.merge(stays, goes);
                stays
            }
            (Some(own), _) => own,
            (None, Some(holder)) if self.may_be(holder, ip, mac) => holder,
            (None, Some(_)) => self.hosts.unused(Device::first(by_mac)),
            (None, None) => self.hosts.device(&ip),
        };
        (device, true)
    }

    /// Whether a known holder of `ip` may be the device with this MAC: it proved so, or nobody knows its MAC and its packets
    /// came from this one when it was learned. What is still being learned has nothing to be taken.
    fn may_be(&self, holder: Device, ip: SiteAddr, mac: SiteMac) -> bool {
        let Some(host) = self.hosts.of(holder) else { return true };
        match host.mac {
            Some(own) => own == mac,
            None => {
                host.carrier.or(host.via).is_none_or(|carrier| carrier == mac)
                    || (!host.graduated && self.stage(ip) == DeviceStage::Learning)
            }
        }
    }

    /// Whether a MAC is a router's, by the addresses behind it.
    fn routes(&self, mac: SiteMac) -> bool {
        self.macs.get(&mac).is_some_and(Behind::routes)
    }

    /// Whether a device would have more addresses than one has.
    fn proves_many(&self, device: Device, ip: SiteAddr, mac: SiteMac, now: Time) -> bool {
        let most = if self.routes(mac) { 1 } else { ADDRESSES_PROVEN };
        let Some(host) = self.hosts.of(device) else { return false };
        ip.is_ipv4()
            && host.mac == Some(mac)
            && !host.has_now().any(|has| has == ip)
            && host
                .addresses
                .iter()
                .filter(|has| has.ip.is_ipv4() && !has.gone && now.since(has.last) < RECENT)
                .count()
                >= most
    }

    /// Devices that had an address before the one that has it now, the latest first: what others usually do there was learned
    /// under them.
    pub fn formers(&self, ip: SiteAddr) -> impl Iterator<Item = Device> {
        self.hosts.formers(ip)
    }

    /// The device an address leads to now.
    pub fn who(&self, ip: SiteAddr) -> Device {
        self.hosts.device(&ip)
    }
}
