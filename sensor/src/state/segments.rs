//! Which segment the addresses of a frame are in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use sensor_ebpf::flow::FlowKey;

use super::World;
use super::address::{is_link_local, is_unicast};
use super::segment::{Segment, SiteAddr};

/// Where a segment is, and which addresses are unique there. Other addresses that pass there are the site's: what a cell talks
/// to beyond its own network.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The segment.
    pub segment: Segment,
    /// Its networks.
    pub networks: Vec<IpNet>,
    /// VLAN ids it is on; empty: any.
    pub vlans: Vec<u16>,
    /// Names of the interfaces it is on; empty: any.
    pub interfaces: Vec<String>,
}

impl Reach {
    fn is_where(&self, other: &Self) -> bool {
        self.vlans == other.vlans && self.interfaces == other.interfaces
    }

    fn holds(&self, ip: IpAddr) -> bool {
        is_link_local(ip) || self.networks.iter().any(|net| net.contains(&ip))
    }
}

/// Segments and where they are. Empty on most sites.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    /// Each with a bit for every interface slot of a flow's key that it is on.
    rows: Vec<(Reach, u16)>,
    /// Names of interfaces by slot.
    interfaces: BTreeMap<u8, String>,
}

impl Segments {
    /// Other segments than before, on the interfaces known.
    pub fn configure(&mut self, reaches: Vec<Reach>) {
        self.rows = reaches.into_iter().map(|reach| (reach, 0)).collect();
        self.find_slots();
    }

    /// What the interfaces of flow keys are called, by slot.
    pub fn name_interfaces(&mut self, names: &BTreeMap<u8, String>) {
        if self.interfaces != *names {
            self.interfaces.clone_from(names);
            self.find_slots();
        }
    }

    fn find_slots(&mut self) {
        for (reach, slots) in &mut self.rows {
            let named = |(_, name): &(&u8, &String)| reach.interfaces.contains(*name);
            let bits = self.interfaces.iter().filter(named).map(|(slot, _)| bit(*slot));
            *slots = if reach.interfaces.is_empty() { u16::MAX } else { bits.fold(0, |all, bit| all | bit) };
        }
    }

    fn on_link(&self, key: &FlowKey) -> impl Iterator<Item = &Reach> {
        let (slot, vlans) = (bit(key.slot()), key.vlans());
        let here = move |(reach, slots): &&(Reach, u16)| {
            let tagged = || vlans.iter().any(|vlan| reach.vlans.contains(vlan));
            slots & slot != 0 && (reach.vlans.is_empty() || tagged())
        };
        self.rows.iter().filter(here).map(|(reach, _)| reach)
    }

    /// The segment a frame passed in, by which MACs are told apart: of several on one link the first.
    #[inline]
    pub fn of_link(&self, key: &FlowKey) -> Segment {
        if self.rows.is_empty() {
            return Segment::SITE;
        }
        self.on_link(key).next().map_or(Segment::SITE, |reach| reach.segment)
    }

    /// An address of a frame.
    #[inline]
    pub fn of(&self, key: &FlowKey, ip: IpAddr) -> SiteAddr {
        if self.rows.is_empty() || !is_unicast(ip) {
            return ip.into();
        }
        let segment = self.on_link(key).find(|reach| reach.holds(ip)).map(|reach| reach.segment);
        SiteAddr::new(ip, segment.unwrap_or_default())
    }

    /// An address that was named in a message, by somebody in this segment.
    pub fn within(&self, segment: Segment, ip: IpAddr) -> SiteAddr {
        if segment == Segment::SITE || !is_unicast(ip) {
            return ip.into();
        }
        let Some((own, _)) = self.rows.iter().find(|(reach, _)| reach.segment == segment) else {
            return ip.into();
        };
        let mut here = self.rows.iter().map(|(reach, _)| reach).filter(|reach| reach.is_where(own));
        SiteAddr::new(ip, here.find(|reach| reach.holds(ip)).map_or(Segment::SITE, |reach| reach.segment))
    }

    /// The segments that have this address, each with a device of its own.
    pub fn having(&self, ip: IpAddr) -> impl Iterator<Item = SiteAddr> {
        let rows =
            self.rows.iter().filter(move |(reach, _)| reach.networks.iter().any(|net| net.contains(&ip)));
        rows.map(move |(reach, _)| SiteAddr::new(ip, reach.segment))
    }
}

const fn bit(slot: u8) -> u16 {
    1 << (slot & 15)
}

impl World {
    /// An address of which nothing says where it was seen: that of the one device known by it, where there is one.
    pub fn somewhere(&self, ip: IpAddr) -> SiteAddr {
        self.meant(ip.into()).unwrap_or_else(|_| ip.into())
    }

    /// The device somebody means by an address, who may not have said in which segment.
    ///
    /// # Errors
    /// All that may be meant, where that is several.
    pub fn meant(&self, addr: SiteAddr) -> Result<SiteAddr, Vec<SiteAddr>> {
        if addr.segment != Segment::SITE || self.segments.rows.is_empty() {
            return Ok(addr);
        }
        let all = self.segments.having(addr.ip).chain([addr]);
        let known: Vec<SiteAddr> = all.filter(|addr| self.hosts.get(addr).is_some()).collect();
        match known.as_slice() {
            [] => Ok(addr),
            [one] => Ok(*one),
            _ => Err(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of this slot and outer VLAN.
    fn on(slot: u32, vlan: u32) -> FlowKey {
        FlowKey { place: slot << 24 | vlan << 12, ..FlowKey::default() }
    }

    fn reach(name: &str, vlans: &[u16], interfaces: &[&str]) -> Reach {
        Reach {
            segment: Segment::named(name).unwrap(),
            networks: vec!["192.168.0.0/24".parse().unwrap()],
            vlans: vlans.to_vec(),
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn name(segments: &Segments, key: &FlowKey, ip: &str) -> String {
        segments.of(key, ip.parse().unwrap()).to_string()
    }

    #[test]
    fn keys_are_taken_apart_as_the_packet_path_makes_them() {
        assert_eq!((on(3, 33).slot(), on(3, 33).vlans()), (3, [33, 0]));
    }

    #[test]
    fn only_addresses_of_a_cells_own_network_are_told_apart_by_its_vlan() {
        let mut segments = Segments::default();
        segments.configure(vec![reach("by-vlan-3", &[33], &[]), reach("by-vlan-4", &[34, 35], &[])]);
        let named = |vlan, ip| name(&segments, &on(0, vlan), ip);
        assert_eq!(named(33, "192.168.0.10"), "192.168.0.10%by-vlan-3");
        assert_eq!(named(35, "192.168.0.10"), "192.168.0.10%by-vlan-4");
        assert_eq!(named(33, "10.0.0.5"), "10.0.0.5");
        assert_eq!(named(36, "192.168.0.10"), "192.168.0.10");
        assert_eq!(named(33, "fe80::1"), "fe80::1%by-vlan-3", "means something on its link only");
        assert_eq!(named(33, "224.0.0.1"), "224.0.0.1", "a group is nobody's");
        assert_eq!(segments.of_link(&on(0, 34)).name(), "by-vlan-4");
    }

    #[test]
    fn an_interface_is_known_by_its_name_as_soon_as_that_is() {
        let mut segments = Segments::default();
        segments.configure(vec![reach("by-port-3", &[], &["ot3"]), reach("by-port-4", &[], &["ot4"])]);
        assert_eq!(name(&segments, &on(1, 0), "192.168.0.10"), "192.168.0.10");
        segments.name_interfaces(&[(0, "ot3".to_owned()), (1, "ot4".to_owned())].into());
        assert_eq!(name(&segments, &on(1, 0), "192.168.0.10"), "192.168.0.10%by-port-4");
    }

    #[test]
    fn what_is_said_in_a_cell_is_about_the_cell_where_it_can_be() {
        let mut segments = Segments::default();
        let mut io = reach("said-io", &[33], &[]);
        io.networks = vec!["192.168.1.0/24".parse().unwrap()];
        segments.configure(vec![reach("said-3", &[33], &[]), io, reach("said-4", &[34], &[])]);
        let cell = segments.of_link(&on(0, 33));
        let said = |ip: &str| segments.within(cell, ip.parse().unwrap()).to_string();
        assert_eq!(said("192.168.0.10"), "192.168.0.10%said-3");
        assert_eq!(said("192.168.1.10"), "192.168.1.10%said-io", "on the same VLAN");
        assert_eq!(said("10.0.0.5"), "10.0.0.5");
    }
}
