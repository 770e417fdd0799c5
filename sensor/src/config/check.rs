//! What one value alone cannot tell: names that are used twice or not at all, zones that overlap.

use std::net::IpAddr;

use super::Config;
use super::allow::Allow;
use super::party::Party;
use super::place::Step::{self, Item, Key};
use crate::state::{Segment, SiteAddr};

/// A contradiction: where, and what to do about it.
pub(super) struct Problem {
    pub(super) path: Vec<Step>,
    pub(super) what: String,
}

fn problem<T>(path: &[Step], what: String) -> Result<T, Problem> {
    Err(Problem { path: path.to_vec(), what })
}

/// The names zones have where none are configured.
const INFERRED: [&str; 3] = ["ot", "it", "external"];

/// Checks the whole.
pub(super) fn check(config: &Config) -> Result<(), Problem> {
    numbers(config)?;
    zones(config)?;
    assets(config)?;
    allows(config)?;
    conduits(config)?;
    groups(config)
}

fn numbers(config: &Config) -> Result<(), Problem> {
    let budget = config.limits.alert_budget;
    if !(budget.is_finite() && budget > 0.0) {
        return problem(
            &[Key("limits"), Key("alert_budget")],
            format!("alert_budget is {budget}; give false alarms a day, more than zero"),
        );
    }
    let limits = [
        ("hosts", config.limits.hosts),
        ("conversations", config.limits.conversations),
        ("connections", config.limits.connections),
    ];
    for (key, rows) in limits {
        if !(1024..=16_777_216).contains(&rows) {
            return problem(
                &[Key("limits"), Key(key)],
                format!("{key} is {rows}; give 1024 to 16777216 rows"),
            );
        }
    }
    for (key, days) in
        [("site_days", config.learning.site_days), ("device_days", config.learning.device_days)]
    {
        if !(1..=365).contains(&days) {
            return problem(&[Key("learning"), Key(key)], format!("{key} is {days}; give 1 to 365 days"));
        }
    }
    let evidence = config.evidence.ranges().map(|range| ("evidence", range));
    let retention = config.retention.ranges().map(|range| ("retention", range));
    for (table, (key, value, range)) in evidence.into_iter().chain(retention) {
        if !range.contains(&value) {
            return problem(
                &[Key(table), Key(key)],
                format!("{key} is {value}; give {} to {}", range.start(), range.end()),
            );
        }
    }
    if !config.web.listen.is_empty() && config.web.listen.parse::<std::net::SocketAddr>().is_err() {
        return problem(
            &[Key("web"), Key("listen")],
            format!(
                "`{}` is no address and port; write it as 127.0.0.1:9843, or empty to serve nothing",
                config.web.listen
            ),
        );
    }
    if config.observer.name.is_empty() {
        return problem(
            &[Key("observer"), Key("name")],
            "the observer's name is empty; give it one".to_owned(),
        );
    }
    Ok(())
}

fn zones(config: &Config) -> Result<(), Problem> {
    for (i, zone) in config.zone.iter().enumerate() {
        let at = |key| [Key("zone"), Item(i), Key(key)];
        if zone.name.is_empty() {
            return problem(&at("name"), "a zone's name is empty; give it one".to_owned());
        }
        if config.zone.iter().take(i).any(|other| other.name == zone.name) {
            return problem(
                &at("name"),
                format!("zone `{}` is there twice; put its networks into one [[zone]]", zone.name),
            );
        }
        if zone.networks.is_empty() {
            return problem(&at("networks"), format!("zone `{}` has no network; add one", zone.name));
        }
        if let Some(n) = zone.vlans.iter().position(|vlan| !(1..=4094).contains(vlan)) {
            return problem(
                &[Key("zone"), Item(i), Key("vlans"), Item(n)],
                "a VLAN id is 1 to 4094; correct it".to_owned(),
            );
        }
        if config.segments().len() < config.zone.iter().filter(|zone| config.reuses(zone)).count() {
            let what = "more than 255 zones reuse networks; that many cannot be told apart".to_owned();
            return problem(&at("networks"), what);
        }
        for (n, net) in zone.networks.iter().enumerate() {
            for other in config.zone.iter().take(i).filter(|other| other.shares_a_link(zone)) {
                let overlaps = |theirs: &&ipnet::IpNet| theirs.contains(net) || net.contains(*theirs);
                if let Some(theirs) = other.networks.iter().find(overlaps) {
                    return problem(
                        &[Key("zone"), Item(i), Key("networks"), Item(n)],
                        format!(
                            "{net} of zone `{}` overlaps {theirs} of zone `{}`; an address belongs to one zone: split the larger network, or say on which `vlans` or `interfaces` each is",
                            zone.name, other.name
                        ),
                    );
                }
            }
        }
    }
    Ok(())
}

fn assets(config: &Config) -> Result<(), Problem> {
    for (i, asset) in config.asset.iter().enumerate() {
        let at = |key| [Key("asset"), Item(i), Key(key)];
        if let Some(ip) = asset.ip {
            one_device(config, ip, &at("ip"))?;
        }
        let before = || config.asset.iter().take(i);
        if asset.name.is_empty() {
            return problem(&at("name"), "an asset's name is empty; give it one".to_owned());
        }
        let name = &asset.name;
        if before().any(|other| &other.name == name) || config.zone.iter().any(|zone| &zone.name == name) {
            return problem(
                &at("name"),
                format!("`{name}` is the name of another asset or zone; choose another"),
            );
        }
        if name.parse::<IpAddr>().is_ok() || INFERRED.contains(&name.as_str()) {
            return problem(&at("name"), format!("`{name}` already means something; choose another name"));
        }
        if asset.ip.is_some() == asset.mac.is_some() {
            return problem(
                &at("ip"),
                format!("asset `{name}` needs `ip` or `mac`, one of them; correct it"),
            );
        }
        let same = |other: &&super::Asset| {
            (asset.ip.is_some() && other.ip == asset.ip) || (asset.mac.is_some() && other.mac == asset.mac)
        };
        if let Some(other) = before().find(same) {
            return problem(
                &at("ip"),
                format!("assets `{}` and `{name}` are one device; remove one", other.name),
            );
        }
    }
    Ok(())
}

/// Whether an address means one device: it says its zone where zones reuse it, and nowhere else.
fn one_device(config: &Config, address: SiteAddr, path: &[Step]) -> Result<(), Problem> {
    let reaches = config.segments();
    let having: Vec<&str> = reaches
        .iter()
        .filter(|reach| reach.networks.iter().any(|net| net.contains(&address.ip)))
        .map(|reach| reach.segment.name())
        .collect();
    let (ip, zone) = (address.ip, address.segment.name());
    match having.first() {
        Some(first) if zone.is_empty() => {
            let zones = having.join("`, `");
            let first = SiteAddr::new(ip, Segment::named(first).unwrap_or_default());
            problem(path, format!("zones `{zones}` have a {ip} each; say whose, as {first}"))
        }
        _ if zone.is_empty() || having.contains(&zone) => Ok(()),
        Some(_) => problem(path, format!("zone `{zone}` has no {ip}; name one of `{}`", having.join("`, `"))),
        None => problem(path, format!("there is one {ip} only; write it without its zone")),
    }
}

fn is_zone(config: &Config, name: &str) -> bool {
    config.zone.iter().any(|zone| zone.name == name) || INFERRED.contains(&name)
}

fn party(config: &Config, party: &Party, path: &[Step]) -> Result<(), Problem> {
    if let Party::Within(_, zone) = party
        && !is_zone(config, zone)
    {
        return problem(path, format!("`{zone}` is no zone; define it as [[zone]] or correct it"));
    }
    if let (Party::Network(_), Some(address)) = (party, party.address()) {
        return one_device(config, address, path);
    }
    match party {
        Party::Named(name)
            if !is_zone(config, name) && config.asset.iter().all(|asset| &asset.name != name) =>
        {
            problem(
                path,
                format!(
                    "`{name}` is no asset, zone or network; define it as [[asset]] or [[zone]], or correct it"
                ),
            )
        }
        _ => Ok(()),
    }
}

fn allows(config: &Config) -> Result<(), Problem> {
    config.allow.iter().enumerate().try_for_each(|(i, one)| allow(config, one, i))
}

fn allow(config: &Config, allow: &Allow, i: usize) -> Result<(), Problem> {
    party(config, &allow.who, &[Key("allow"), Item(i), Key("who")])?;
    if let Some(to) = &allow.to {
        party(config, to, &[Key("allow"), Item(i), Key("to")])?;
    }
    if allow.reason.trim().is_empty() {
        let what = "an allowance has no reason; write down why, the next shift will ask".to_owned();
        return problem(&[Key("allow"), Item(i), Key("reason")], what);
    }
    Ok(())
}

impl Config {
    /// Whether an allowance that was typed makes sense here.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn admits(&self, typed: &Allow) -> Result<(), String> {
        allow(self, typed, 0).map_err(|problem| problem.what)
    }
}

fn conduits(config: &Config) -> Result<(), Problem> {
    for (i, conduit) in config.conduit.iter().enumerate() {
        for (key, zone) in [("from", &conduit.from), ("to", &conduit.to)] {
            if !is_zone(config, zone) {
                let what = format!("`{zone}` is no zone; define it as [[zone]] or correct it");
                return problem(&[Key("conduit"), Item(i), Key(key)], what);
            }
        }
        if conduit.from == conduit.to {
            let what = format!("a conduit joins two zones, not `{}` with itself; correct it", conduit.from);
            return problem(&[Key("conduit"), Item(i), Key("to")], what);
        }
    }
    Ok(())
}

fn groups(config: &Config) -> Result<(), Problem> {
    let mut seen: Vec<&Party> = Vec::new();
    for (i, group) in config.group.iter().enumerate() {
        if group.redundant.len() < 2 {
            return problem(
                &[Key("group"), Item(i), Key("redundant")],
                "a redundant group needs two members or more; add one".to_owned(),
            );
        }
        let has_address = |member: &Party| match member {
            Party::Network(_) | Party::Within(..) => true,
            Party::Named(name) => config
                .asset
                .iter()
                .any(|asset| &asset.name == name && (asset.ip.is_some() || asset.mac.is_none())),
        };
        if group.redundant.iter().all(|member| member.is_one(config) && !has_address(member)) {
            return problem(
                &[Key("group"), Item(i), Key("redundant")],
                "a redundant group is known by an address; give one of its assets `ip` instead of `mac`"
                    .to_owned(),
            );
        }
        for (n, member) in group.redundant.iter().enumerate() {
            let path = [Key("group"), Item(i), Key("redundant"), Item(n)];
            if !member.is_one(config) {
                return problem(
                    &path,
                    format!("`{member}` is no single device; name an asset or an address"),
                );
            }
            if let Some(address) = member.address() {
                one_device(config, address, &path)?;
            }
            if seen.contains(&member) {
                return problem(&path, format!("`{member}` is in a group already; keep it in one"));
            }
            seen.push(member);
        }
    }
    Ok(())
}
