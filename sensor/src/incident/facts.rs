//! What can be said about an incident: the same facts for text, JSON and the report.

use std::collections::BTreeSet;

use super::screen;
use super::types::Incident;
use crate::config::Criticality;
use crate::detect::finding::Finding;
use crate::detect::{attack, by_id};
use crate::protocol::AssetField;
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::address::mac_text;
use crate::time::Time;

/// Devices acted upon that are described; the first screen names fewer.
const DESCRIBED: usize = 12;

/// A device that acts.
pub struct Device {
    /// Its address.
    pub ip: SiteAddr,
    /// What the operator calls it.
    pub name: Option<String>,
    /// It came after learning had ended.
    pub is_new: bool,
    /// Its MAC, or the router's it is seen through, in words.
    pub mac: String,
    /// Its zone.
    pub zone: String,
    /// What it is, and why that is thought.
    pub role: (&'static str, String),
    /// First and last seen; `None` where nothing is known of it.
    pub seen: Option<[Time; 2]>,
    /// What it said about itself: field, value, protocol.
    pub said: Vec<(AssetField, String, String)>,
    /// Whom to call about it.
    pub contact: Option<String>,
    /// How much depends on it, where that was said.
    pub criticality: Option<Criticality>,
    /// How far learning has come for it.
    pub stage: &'static str,
}

/// Everything an account is made of.
pub struct Facts<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its findings that stand for themselves, in the order they began.
    pub findings: Vec<&'a Finding>,
    /// How many more are part of those.
    pub absorbed: usize,
    /// The first screen: what is asked at three in the morning, and the answer.
    pub screen: [(&'static str, String); 5],
    /// Who acts, in order.
    pub devices: Vec<Device>,
    /// Who was acted upon, the gravest first, as far as described.
    pub assets: Vec<Device>,
    /// What could not be seen.
    pub hidden: BTreeSet<&'a str>,
    /// Technique id and name.
    pub techniques: Vec<(&'a str, &'static str)>,
}

impl<'a> Facts<'a> {
    /// The facts of `incident`, of which `findings` are all.
    pub fn of(incident: &'a Incident, findings: &[&'a Finding], world: &World) -> Self {
        let mut own: Vec<&Finding> = findings.iter().copied().filter(|f| f.absorbed_by.is_none()).collect();
        own.sort_by_key(|f| (f.first, f.number));
        let ids: BTreeSet<&str> = own.iter().flat_map(|f| &f.techniques).map(String::as_str).collect();
        let hidden = own
            .iter()
            .flat_map(|f| &f.facts)
            .filter(|(_, value)| value == "not observable")
            .map(|(name, _)| name.as_str())
            .collect();
        Self {
            incident,
            absorbed: findings.len().saturating_sub(own.len()),
            screen: screen::answers(incident, &own, world),
            devices: incident.actors.iter().map(|ip| Device::of(*ip, world)).collect(),
            assets: screen::acted_upon(incident, &own, world)
                .into_iter()
                .take(DESCRIBED)
                .map(|ip| Device::of(ip, world))
                .collect(),
            hidden,
            techniques: ids.into_iter().map(|id| (id, attack::name(id))).collect(),
            findings: own,
        }
    }
}

impl Device {
    fn of(ip: SiteAddr, world: &World) -> Self {
        let host = world.hosts.get(&ip);
        let asset = world.asset(ip);
        let mac = match host.map(|host| (host.mac, host.via)) {
            Some((Some(mac), _)) => format!("MAC {}", mac_text(mac)),
            Some((None, Some(mac))) => format!("seen through {}", mac_text(mac)),
            _ => "MAC not observable".to_owned(),
        };
        let said = host.map(|host| {
            host.facts
                .keys()
                .filter_map(|field| Some((*field, host.fact(*field)?)))
                .map(|(field, fact)| (field, fact.value.clone(), fact.source.clone()))
                .collect()
        });
        Self {
            ip,
            name: asset.map(|asset| asset.name.clone()),
            is_new: is_new(ip, world),
            mac,
            zone: world.zone(ip).name,
            role: world.role(ip),
            seen: host.map(|host| [host.first, host.last]),
            said: said.unwrap_or_default(),
            contact: asset.and_then(|asset| asset.contact.clone()),
            criticality: asset.map(|asset| asset.criticality),
            stage: world.stage(ip).name(),
        }
    }
}

/// Whether a device came after learning had ended and is not known yet.
pub fn is_new(ip: SiteAddr, world: &World) -> bool {
    world.hosts.get(&ip).is_some_and(|host| host.newcomer && !host.graduated)
}

/// A device's role in words. What a new device does says nothing about what it is there for.
pub fn role(ip: SiteAddr, world: &World) -> Option<String> {
    let named = world.asset(ip).is_some_and(|asset| asset.role.is_some());
    let role = world.role(ip).0;
    (role != "host" && (named || !is_new(ip, world))).then(|| role.replace('_', " "))
}

/// An address with its name and role, and its zone where `zone` asks for it. A name that only DNS gave is quoted as such:
/// whoever answered chose it.
pub fn named(ip: SiteAddr, world: &World, zone: bool) -> String {
    let address = world.asset(ip).map(|_| ip.to_string());
    let dns = world.names.of(ip).filter(|_| address.is_none()).map(|name| format!("DNS {name}"));
    let zone = zone.then(|| format!("zone {}", world.zone(ip).name));
    let more: Vec<String> = address.into_iter().chain(dns).chain(role(ip, world)).chain(zone).collect();
    let name = world.asset(ip).map_or_else(|| ip.to_string(), |asset| asset.name.clone());
    if more.is_empty() { name } else { format!("{name} ({})", more.join(", ")) }
}

/// The title of a finding's model.
pub fn title(finding: &Finding) -> &str {
    by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title)
}
