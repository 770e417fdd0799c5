//! Zones where nobody configured them, and the reason for each.
//!
//! OT is inferred for single hosts, from industrial content that was answered. A subnet becomes OT only where at least
//! [`CONTROLLERS`] controllers are the majority of its hosts. All of it happens while the site is being learned: afterwards
//! a host that begins to answer industrial content is proposed, not believed, or an intruder would make itself at home.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::World;
use super::address::is_unicast;
use super::segment::{Segment, SiteAddr};
use super::zone::Kind;

/// Controllers that make a subnet one of OT, where they are the majority.
const CONTROLLERS: usize = 3;
/// Subnets believed to be OT.
const MAX_SUBNETS: usize = 256;

/// The /24 (IPv6: /64) of an address. What is in a segment is in its zone, which was configured.
fn subnet(addr: SiteAddr) -> Option<IpNet> {
    let ip = Some(addr.ip).filter(|_| addr.segment == Segment::SITE)?;
    let length = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, length).ok().map(|net| net.trunc())
}

/// Hosts of a subnet.
#[derive(Default)]
struct Counts {
    hosts: usize,
    /// Those that answer industrial content.
    controllers: usize,
    /// Those, and who drives them.
    of_ot: usize,
}

impl World {
    /// Whether zones are no longer inferred, only proposed.
    pub fn is_frozen(&self) -> bool {
        self.is_settled() && !self.settings.learn
    }

    /// Looks which subnets are OT by their hosts.
    pub fn infer_subnets(&mut self) {
        if self.is_frozen() {
            return;
        }
        let subnet_of =
            |ip| Some(ip).filter(|ip| is_unicast(*ip) && self.zones.is_local(*ip)).and_then(subnet);
        // Only subnets with enough of them are counted in full: this is done again and again, and most hosts are in others.
        let mut counts: BTreeMap<IpNet, Counts> = BTreeMap::new();
        let rows = self.hosts.rows().iter();
        for (device, host) in rows.filter(|(_, host)| host.speaks_ot || !host.serves.is_empty()) {
            let Some(net) = subnet_of(host.address(*device)) else { continue };
            let counts = counts.entry(net).or_default();
            counts.of_ot = counts.of_ot.saturating_add(1);
            counts.controllers = counts.controllers.saturating_add(usize::from(!host.serves.is_empty()));
        }
        counts.retain(|_, counts| counts.of_ot >= CONTROLLERS);
        if !counts.is_empty() {
            for (ip, _) in self.hosts.iter() {
                if let Some(counts) = subnet_of(ip).and_then(|net| counts.get_mut(&net)) {
                    counts.hosts = counts.hosts.saturating_add(1);
                }
            }
        }
        let mostly = |n: usize, counts: &Counts| n >= CONTROLLERS && n.saturating_mul(2) > counts.hosts;
        let neighbours = counts.iter().filter(|(_, counts)| mostly(counts.of_ot, counts));
        let ot_neighbours = neighbours.map(|(net, _)| *net).take(MAX_SUBNETS).collect();
        self.site.ot_subnets = counts
            .into_iter()
            .filter(|(_, counts)| mostly(counts.controllers, counts))
            .map(|(net, Counts { controllers, hosts, .. })| {
                (net, format!("{controllers} of {hosts} hosts are controllers"))
            })
            .take(MAX_SUBNETS)
            .collect();
        self.site.ot_neighbours = ot_neighbours;
    }

    /// The subnet by which a host is OT, with the reason.
    fn ot_subnet(&self, ip: SiteAddr) -> Option<(IpNet, &str)> {
        if self.site.ot_subnets.is_empty() {
            return None;
        }
        let net = subnet(ip)?;
        self.site.ot_subnets.get(&net).map(|why| (net, why.as_str()))
    }

    /// Whether most hosts of an address's subnet belong to OT, so that it stands among them whatever it does itself.
    pub(super) fn is_among_ot(&self, ip: SiteAddr) -> bool {
        subnet(ip).is_some_and(|net| self.site.ot_neighbours.contains(&net))
    }

    /// Whether a host belongs to OT by what was seen.
    pub(super) fn is_ot_by_content(&self, ip: SiteAddr) -> bool {
        let frozen = self.is_frozen();
        let speaks = |ip| {
            self.hosts.get(&ip).is_some_and(|host| host.speaks_ot || (!frozen && !host.serves.is_empty()))
        };
        let elder = Some(self.elder(ip)).filter(|elder| *elder != ip);
        speaks(ip) || elder.is_some_and(speaks) || self.ot_subnet(ip).is_some()
    }

    /// Why a host is in its zone.
    pub fn zone_reason(&self, ip: SiteAddr) -> String {
        if self.zones.configured_zone(ip).is_some() {
            return "configured".to_owned();
        }
        let host = self.hosts.get(&ip);
        match self.kind(ip) {
            Kind::Group => "names no single host".to_owned(),
            Kind::External => "a public address that no local link proved".to_owned(),
            Kind::Ot => match (host.filter(|host| host.speaks_ot || !self.is_frozen()), self.ot_subnet(ip)) {
                (Some(host), _) if !host.serves.is_empty() => "answers industrial content".to_owned(),
                (Some(host), _) if host.speaks_ot => "drives industrial devices that answer".to_owned(),
                (_, Some((net, why))) => format!("in {net}, where {why}"),
                _ => "stands in for a host of OT".to_owned(),
            },
            Kind::It => match host.filter(|host| !host.serves.is_empty()) {
                Some(_) => {
                    "proposed for ot: answers industrial content, but only since learning ended".to_owned()
                }
                None => "inside, without industrial content".to_owned(),
            },
        }
    }
}
