//! What the operator said about the site: who is who, who stands in for whom, who may what, what may cross.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::World;
use super::connection::Connection;
use super::device::Device;
use super::host::DeviceStage;
use super::segment::SiteAddr;
use super::zone::{Kind, Zone};
use crate::config::{Allow, Asset, Conduit, Config, Crossing, Deed, Party, Service, Side};
use crate::detect::finding::Finding;
use crate::protocol::{Action, Port};
use crate::time::Time;

/// Allowances that may be typed, beside those of the configuration.
pub const MAX_TYPED: usize = 1024;

/// The configuration's and the operator's word.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    config: Config,
    /// Allowances typed, by their number.
    typed: BTreeMap<u64, Allow>,
    /// Addresses of each redundant group; the first one names the baseline they share.
    groups: Vec<Vec<SiteAddr>>,
    by_ip: BTreeMap<SiteAddr, usize>,
    by_mac: BTreeMap<[u8; 6], usize>,
}

/// Why a finding does not page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Allowance {
    /// Its number, where it was typed; the configuration's have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The reason that was given.
    pub reason: String,
}

impl Rules {
    /// What the configuration says; `typed` by operators stays as it was.
    #[must_use]
    pub fn configured(&self, config: &Config) -> Self {
        let mut rules = Self { config: config.clone(), typed: self.typed.clone(), ..Self::default() };
        for group in &config.group {
            let number = rules.groups.len();
            let mut addresses = Vec::new();
            for member in &group.redundant {
                addresses.extend(member.address());
                let named = |asset: &&Asset| matches!(member, Party::Named(name) if *name == asset.name);
                if let Some(asset) = config.asset.iter().find(named) {
                    addresses.extend(asset.ip);
                    if let Some(mac) = asset.mac {
                        rules.by_mac.insert(mac, number);
                    }
                }
            }
            rules.by_ip.extend(addresses.iter().map(|ip| (*ip, number)));
            rules.groups.push(addresses);
        }
        rules
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Allowances typed by operators, with their numbers.
    pub fn typed(&self) -> &BTreeMap<u64, Allow> {
        &self.typed
    }

    /// Puts back what was typed before.
    pub fn restore(&mut self, typed: BTreeMap<u64, Allow>) {
        self.typed = typed;
    }

    /// Somebody typed an allowance; `false` where there are [`MAX_TYPED`] already.
    pub fn add(&mut self, number: u64, allow: Allow) -> bool {
        let room = self.typed.len() < MAX_TYPED;
        if room {
            self.typed.insert(number, allow);
        }
        room
    }

    /// Takes back what was typed under this number; `false` where nothing was.
    pub fn undo(&mut self, number: u64) -> bool {
        self.typed.remove(&number).is_some()
    }

    /// Whether anything is allowed at all.
    pub fn allows_anything(&self) -> bool {
        !self.typed.is_empty() || !self.config.allow.is_empty()
    }

    /// Whether conduits constrain anything at all.
    pub fn constrains_anything(&self) -> bool {
        !self.config.conduit.is_empty()
    }

    /// Whether some conduit allows some actions only.
    pub fn conduits_name_actions(&self) -> bool {
        self.config.conduit.iter().any(|conduit| !conduit.actions.is_empty())
    }

    /// Whether some conduit between these zones allows a protocol by its content.
    pub fn conduits_name_protocols(&self, from: &str, to: &str) -> bool {
        let between = |conduit: &&Conduit| conduit.from == from && conduit.to == to;
        let mut services = self.config.conduit.iter().filter(between).flat_map(|conduit| &conduit.services);
        services.any(|service| matches!(service, Service::Protocol(_)))
    }

    /// The device's entry in the configuration.
    pub fn asset(&self, ip: SiteAddr, mac: Option<[u8; 6]>) -> Option<&Asset> {
        self.config.asset.iter().find(|asset| asset.is(ip, mac))
    }

    fn allowance(&self, deed: &Deed<'_>) -> Option<Allowance> {
        let configured = self.config.allow.iter().map(|allow| (None, allow));
        let typed = self.typed.iter().map(|(number, allow)| (Some(*number), allow));
        configured
            .chain(typed)
            .find(|(_, allow)| allow.covers(deed, &self.config))
            .map(|(number, allow)| Allowance { number, reason: allow.reason.clone() })
    }
}

/// Something done by one host to another, before zones and names are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who did it.
    pub who: SiteAddr,
    /// Upon whom; `None` where that is not known.
    pub to: Option<SiteAddr>,
    /// The protocol by content.
    pub protocol: Option<&'a str>,
    /// The port asked.
    pub port: Option<Port>,
    /// What was done, where content or its absence says so.
    pub action: Option<Action>,
    /// When.
    pub at: Time,
}

impl Act<'_> {
    /// What a connection's client does by `action`.
    pub fn of(connection: &Connection, action: Option<Action>, at: Time) -> Self {
        let port = connection.port();
        let protocol = connection.protocol.map(|spec| spec.name);
        Self { who: connection.client.ip, to: Some(connection.server.ip), protocol, port, action, at }
    }
}

impl World {
    /// Takes over zones, assets, allowances, conduits and groups; what was learned and typed stays.
    pub fn configure(&mut self, config: &Config) {
        self.zones.configure(config.zones());
        self.segments.configure(config.segments());
        self.rules = self.rules.configured(config);
    }

    /// The device's entry in the configuration.
    pub fn asset(&self, ip: SiteAddr) -> Option<&Asset> {
        self.rules.asset(ip, self.mac(ip))
    }

    /// What a device is, with the reason: as it was named, else from what it does.
    pub fn role(&self, ip: SiteAddr) -> (&'static str, String) {
        match self.asset(ip).and_then(|asset| asset.role) {
            Some(role) => (role.name(), "named in the configuration".to_owned()),
            None => {
                self.hosts.get(&ip).map_or(("host", "nothing is known of it".to_owned()), |host| host.role())
            }
        }
    }

    /// A device as people call it: the name it was given, with its address.
    pub fn called(&self, ip: SiteAddr) -> String {
        self.asset(ip).map_or_else(|| ip.to_string(), |asset| format!("{} ({ip})", asset.name))
    }

    /// The MAC that is an address's own.
    fn mac(&self, ip: SiteAddr) -> Option<[u8; 6]> {
        Some(self.hosts.get(&ip)?.mac?.mac)
    }

    fn group(&self, ip: SiteAddr) -> Option<&[SiteAddr]> {
        let rules = &self.rules;
        if rules.groups.is_empty() {
            return None;
        }
        let by_mac = || rules.by_mac.get(&self.mac(ip)?);
        rules.by_ip.get(&ip).or_else(by_mac).and_then(|group| rules.groups.get(*group)).map(Vec::as_slice)
    }

    /// The device under which what an address does is learned: of a redundant group the first one, else its own.
    pub fn baseline(&self, ip: SiteAddr) -> Device {
        self.who(self.first_member(ip))
    }

    /// The address a redundant group is learned under; of others their own.
    pub(super) fn first_member(&self, ip: SiteAddr) -> SiteAddr {
        self.group(ip).and_then(<[SiteAddr]>::first).copied().unwrap_or(ip)
    }

    /// A device and those it shares a redundant group with.
    pub fn members(&self, ip: SiteAddr) -> Vec<SiteAddr> {
        let mut members = self.group(ip).map(<[SiteAddr]>::to_vec).unwrap_or_default();
        if !members.contains(&ip) {
            members.push(ip);
        }
        members
    }

    /// The member of a redundant group that was seen first: how well the group is known, each member is.
    pub fn elder(&self, ip: SiteAddr) -> SiteAddr {
        let Some(group) = self.group(ip) else { return ip };
        let known = group.iter().chain([&ip]).filter_map(|ip| Some((self.hosts.get(ip)?.first, *ip)));
        known.min().map_or(ip, |(_, ip)| ip)
    }

    /// A device that was there before learning ended, is past it, or stands in the configuration.
    fn is_known(&self, ip: SiteAddr) -> bool {
        let grown = self.hosts.get(&ip).is_some_and(|host| !host.newcomer || host.graduated);
        grown || self.stage(ip) == DeviceStage::Operational || self.asset(ip).is_some()
    }

    fn side<'a>(&self, ip: SiteAddr, zone: &'a Zone) -> Side<'a> {
        let mac = self.mac(ip);
        Side { ip, mac, zone: &zone.name, external: zone.kind == Kind::External, known: self.is_known(ip) }
    }

    /// The allowance that covers what was done.
    pub fn allowance(&self, act: &Act<'_>) -> Option<Allowance> {
        if !self.rules.allows_anything() {
            return None;
        }
        self.with_deed(act, |deed| self.rules.allowance(deed))
    }

    /// What conduits say about what was done.
    pub fn crossing(&self, act: &Act<'_>) -> Crossing {
        if !self.rules.constrains_anything() {
            return Crossing::Free;
        }
        self.with_deed(act, |deed| self.rules.config.crossing(deed))
    }

    fn with_deed<T>(&self, act: &Act<'_>, then: impl FnOnce(&Deed<'_>) -> T) -> T {
        let from = self.zone(act.who);
        let to = act.to.map(|ip| (ip, self.zone(ip)));
        then(&Deed {
            who: self.side(act.who, &from),
            to: to.as_ref().map(|(ip, zone)| self.side(*ip, zone)),
            protocol: act.protocol,
            port: act.port,
            action: act.action,
            at: act.at,
        })
    }

    /// The allowance that covers all of a finding: every listed target, every action, from its beginning to its end.
    pub fn allowance_of(&self, finding: &Finding) -> Option<Allowance> {
        let targets: Vec<(Option<SiteAddr>, Option<u16>)> = if finding.targets.is_empty() {
            vec![(None, None)]
        } else {
            finding.targets.iter().map(|target| (Some(target.ip), target.port)).collect()
        };
        let actions: Vec<Option<Action>> = if finding.actions.is_empty() {
            vec![None]
        } else {
            finding.actions.iter().copied().map(Some).collect()
        };
        let mut by = None;
        for at in [finding.first, finding.last] {
            for (to, port) in &targets {
                for action in &actions {
                    let port = port.and_then(|port| named_port(&finding.transport, port));
                    let protocol = finding.protocol.as_deref();
                    let act = Act { who: finding.actor, to: *to, protocol, port, action: *action, at };
                    by = Some(self.allowance(&act)?);
                }
            }
        }
        by
    }
}

/// A port of a transport by its name in findings.
pub fn named_port(transport: &str, port: u16) -> Option<Port> {
    match transport {
        "tcp" => Some(Port::Tcp(port)),
        "udp" => Some(Port::Udp(port)),
        "ethernet" => Some(Port::EtherType(port)),
        _ => None,
    }
}
