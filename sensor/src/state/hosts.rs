//! Every device, found by any address it has.

use std::collections::HashMap;

use hashlink::DefaultHashBuilder;

use super::changes::Changes;
use super::device::Device;
use super::host::Host;
use super::segment::{SiteAddr, SiteMac};
use super::table::Table;
use crate::time::Time;

/// Devices looked for that had an address one after the other.
const MAX_FORMERS: usize = 4;

/// Every device, and which of them each address leads to. A MAC leads to its owner as an address does, as
/// [`SiteMac::addr`] writes it.
pub struct Hosts {
    rows: Table<Device, Host>,
    /// Addresses that lead to another device than the first of their name. Bounded by what the rows list. Asked several times for
    /// every record: the hash is the tables', seeded and fast.
    held: HashMap<SiteAddr, Device, DefaultHashBuilder>,
    /// Devices that turned out to be others.
    became: HashMap<Device, Device, DefaultHashBuilder>,
    /// Whether any address ever went from a device to another one.
    followed: bool,
}

impl Hosts {
    /// At most `capacity` devices.
    pub fn new(capacity: usize) -> Self {
        Self {
            rows: Table::new(capacity),
            held: HashMap::default(),
            became: HashMap::default(),
            followed: false,
        }
    }

    /// The device an address leads to, known or not.
    pub fn device(&self, ip: &SiteAddr) -> Device {
        self.held.get(ip).copied().unwrap_or(Device::first(*ip))
    }

    /// The device an address leads to, where something is known of it.
    pub(super) fn known(&self, ip: SiteAddr) -> Option<Device> {
        Some(self.device(&ip)).filter(|device| self.rows.get(device).is_some())
    }

    /// The device behind an address, not counted as use.
    pub fn get(&self, ip: &SiteAddr) -> Option<&Host> {
        self.rows.get(&self.device(ip))
    }

    /// The device behind an address to change, not counted as use.
    pub fn get_mut(&mut self, ip: &SiteAddr) -> Option<&mut Host> {
        let device = self.device(ip);
        self.rows.get_mut(&device)
    }

    /// The device behind an address, made if there is none; counted as use and as changed.
    pub fn entry(&mut self, ip: &SiteAddr, make: impl FnOnce() -> Host) -> &mut Host {
        let device = self.device(ip);
        self.enter(device, make)
    }

    pub(super) fn enter(&mut self, device: Device, make: impl FnOnce() -> Host) -> &mut Host {
        if let Some((gone, host)) = self.rows.make_room(&device) {
            self.unlink(gone, &host);
        }
        self.rows.entry(&device, make)
    }

    /// What a device is called now: two names may have turned out to be one device's.
    pub fn now(&self, device: Device) -> Device {
        self.became.get(&device).copied().unwrap_or(device)
    }

    /// A device by any name it had.
    pub fn of(&self, device: Device) -> Option<&Host> {
        self.rows.get(&self.now(device))
    }

    /// Whether any device was known by several names before it was known to be one.
    pub(super) fn knows_former_names(&self) -> bool {
        !self.became.is_empty()
    }

    /// Devices that had an address before the one that has it now, the latest first.
    pub(super) fn formers(&self, ip: SiteAddr) -> impl Iterator<Item = Device> {
        let former = move |device: Device| self.rows.get(&device)?.former(ip);
        let now = self.followed.then(|| self.device(&ip));
        std::iter::successors(now.and_then(former), move |device| former(*device)).take(MAX_FORMERS)
    }

    /// An address went from a device to another one.
    pub(super) fn follow(&mut self, ip: SiteAddr, device: Device, former: Device) {
        if let Some(host) = self.rows.get_mut(&device) {
            host.follows(ip, former);
            self.followed = true;
        }
    }

    /// A device by its name, to change.
    pub fn of_mut(&mut self, device: Device) -> Option<&mut Host> {
        self.rows.get_mut(&device)
    }

    /// The address a device has now, or had last.
    pub fn address(&self, device: Device) -> SiteAddr {
        self.of(device).map_or(device.name, |host| host.address(device))
    }

    /// Devices by the address each has now, least recently used first.
    pub fn iter(&self) -> impl Iterator<Item = (SiteAddr, &Host)> {
        self.rows.iter().map(|(device, host)| (host.address(*device), host))
    }

    /// Devices to change, none of them counted as use.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Host> {
        self.rows.iter_mut().map(|(_, host)| host)
    }

    /// Devices as they are stored.
    pub fn rows(&self) -> &Table<Device, Host> {
        &self.rows
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Devices forgotten for lack of room.
    pub const fn evicted(&self) -> u64 {
        self.rows.evicted
    }

    /// Devices changed or forgotten since the last call.
    pub fn take_changes(&mut self) -> Changes<Device> {
        self.rows.take_changes()
    }

    /// Every device counts as changed.
    pub fn touch_all(&mut self) {
        self.rows.touch_all();
    }

    /// The most it holds.
    pub const fn capacity(&self) -> usize {
        self.rows.capacity()
    }

    /// Puts a stored device back.
    pub fn restore(&mut self, device: Device, mut host: Host) {
        if let (true, Some(mac)) = (host.addresses.is_empty(), host.mac)
            && mac.addr() != device.name
        {
            // Written when a device had one address for ever, the one it was called by.
            host.has(device.name, true, host.first);
            host.uses(device.name, host.last);
        }
        if let Some((gone, forgotten)) = self.rows.make_room(&device) {
            self.unlink(gone, &forgotten);
        }
        self.link(device, &host);
        self.rows.restore(device, host);
    }

    /// All addresses of a device lead to it.
    fn link(&mut self, device: Device, host: &Host) {
        for ip in host.has_now().chain(host.mac.map(SiteMac::addr)) {
            self.lead(ip, device);
        }
        for name in &host.names {
            self.became.insert(*name, device);
        }
        self.followed |= host.addresses.iter().any(|address| address.former.is_some());
    }

    /// A device is forgotten, and its addresses lead nowhere: never to whoever had them before, or forgetting a device would
    /// let the next one have what that one was trusted with.
    fn unlink(&mut self, device: Device, host: &Host) {
        for name in &host.names {
            self.became.remove(name);
        }
        for ip in host.has_now().chain(host.mac.map(SiteMac::addr)).chain([device.name]) {
            if self.device(&ip) == device {
                self.held.remove(&ip);
                let free = self.unused(Device::first(ip));
                self.lead(ip, free);
            } else if self.rows.get(&self.device(&ip)).is_none() {
                // Nobody's name needs to be kept apart from a device that is forgotten.
                self.held.remove(&ip);
            }
        }
    }

    /// The first name of this address that no device has.
    pub(super) fn unused(&self, mut device: Device) -> Device {
        while self.rows.get(&device).is_some() && device.nth < u16::MAX {
            device = device.next();
        }
        device
    }

    /// From now on an address leads to this device.
    pub(super) fn lead(&mut self, ip: SiteAddr, device: Device) {
        if device == Device::first(ip) {
            self.held.remove(&ip);
        } else {
            self.held.insert(ip, device);
        }
    }

    /// An address leads to a device from now on, and whoever had it no longer has it. Returns the MACs that proved it before.
    pub(super) fn take(&mut self, ip: SiteAddr, to: Device, now: Time) -> Vec<([u8; 6], Time, Time)> {
        let before = self.device(&ip);
        let mut macs = Vec::new();
        if before != to
            && let Some(host) = self.rows.get_mut(&before)
        {
            macs.clone_from(&host.macs);
            host.lost(ip, now);
        }
        self.lead(ip, to);
        macs
    }

    /// A device proved to have an address; `best`: it is to be known by it.
    pub(super) fn give(&mut self, ip: SiteAddr, to: Device, best: bool, now: Time) {
        let macs = self.take(ip, to, now);
        let dropped = self.rows.get_mut(&to).and_then(|host| {
            host.owned_before(macs);
            host.has(ip, best, now)
        });
        if let Some(dropped) = dropped.filter(|dropped| self.device(dropped) == to && *dropped != to.name) {
            let free = self.unused(Device::first(dropped));
            self.lead(dropped, free);
        }
    }

    /// Two turn out to be one: what is known of `other` goes over to `device`.
    pub(super) fn merge(&mut self, device: Device, other: Device) {
        let Some(known) = self.rows.remove(&other) else { return };
        if self.device(&other.name) == other {
            self.lead(other.name, device);
        }
        let Some(host) = self.rows.get_mut(&device) else { return };
        host.absorb(other, known);
        let host = host.clone();
        self.link(device, &host);
    }
}
