//! The zones that were inferred and the conduits for what is usual, as TOML for the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Picture, port, transport};
use crate::config::{Config, KindConfig, Party, Service};
use crate::protocol::{Action, Port, REGISTRY};
use crate::state::Segment;
use crate::state::World;
use crate::state::address::is_link_local;
use crate::state::zone::Kind;

/// Controllers that make a subnet OT, where they are the majority of its hosts.
const CONTROLLERS: usize = 3;
/// Single addresses written into one zone.
const MAX_SINGLE: usize = 1024;
/// Services written into one conduit.
const MAX_SERVICES: usize = 64;

/// A configuration that says what the sensor found, for somebody to correct and keep.
pub fn suggest(world: &World, picture: &Picture<'_>) -> String {
    let mut text = String::from(
        "# What the sensor found, as a configuration: read it, correct it, then keep it.\n\
         # `isthmus check FILE` says whether it can be used.\n",
    );
    let config = world.rules.config();
    if config.zone.is_empty() {
        zones(world, &mut text)
    } else {
        configured(config, &mut text)
    }
    conduits(picture, &mut text);
    text
}

fn quoted<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    // JSON's strings of these characters are TOML's.
    let items: Vec<String> =
        items.into_iter().map(|item| serde_json::Value::from(item.to_string()).to_string()).collect();
    items.join(", ")
}

fn configured(config: &Config, text: &mut String) {
    text.push_str("\n# Zones as configured.\n");
    for zone in &config.zone {
        let kind = zone.kind.map_or(String::new(), |kind| {
            let name = match kind {
                KindConfig::Ot => "ot",
                KindConfig::It => "it",
                KindConfig::External => "external",
            };
            format!("kind = \"{name}\"\n")
        });
        let vlans: Vec<String> = zone.vlans.iter().map(ToString::to_string).collect();
        let vlans =
            if vlans.is_empty() { String::new() } else { format!("vlans = [{}]\n", vlans.join(", ")) };
        let interfaces = match zone.interfaces.as_slice() {
            [] => String::new(),
            some => format!("interfaces = [{}]\n", quoted(some)),
        };
        let _never_fails = writeln!(
            text,
            "\n[[zone]]\nname = {}\nnetworks = [{}]\n{vlans}{interfaces}{kind}",
            quoted([&zone.name]),
            quoted(&zone.networks)
        );
    }
}

/// The subnet a host is taken to be in: nobody tells a passive sensor the mask.
fn subnet(ip: IpAddr) -> Option<IpNet> {
    let bits = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, bits).ok().map(|net| net.trunc())
}

fn is_local_to_its_link(ip: IpAddr) -> bool {
    is_link_local(ip) || ip.is_loopback()
}

fn zones(world: &World, text: &mut String) {
    // By subnet: hosts of OT and hosts of IT, and how many of the first are controllers.
    let mut subnets: BTreeMap<IpNet, ([BTreeSet<IpAddr>; 2], usize)> = BTreeMap::new();
    // What is in a segment is in its zone, which was configured.
    for (addr, host) in world.hosts.iter().filter(|(addr, _)| addr.segment == Segment::SITE) {
        let ip = addr.ip;
        if is_local_to_its_link(ip) {
            continue;
        }
        let which = match world.zone(addr).kind {
            Kind::Ot => 0,
            Kind::It => 1,
            _ => continue,
        };
        let Some(net) = subnet(ip) else { continue };
        let (hosts, controllers) = subnets.entry(net).or_default();
        if let Some(hosts) = hosts.get_mut(which) {
            hosts.insert(ip);
        }
        *controllers = controllers.saturating_add(usize::from(!host.serves.is_empty()));
    }
    let mut zones: [(&str, Vec<IpNet>, Vec<String>); 2] =
        [("ot", Vec::new(), Vec::new()), ("it", Vec::new(), Vec::new())];
    let [ot_zone, it_zone] = &mut zones;
    for (net, ([ot, it], controllers)) in subnets {
        let all = ot.len().saturating_add(it.len());
        if controllers >= CONTROLLERS && controllers.saturating_mul(2) > all {
            ot_zone.1.push(net);
            if !it.is_empty() {
                let few: Vec<String> = it.iter().take(8).map(ToString::to_string).collect();
                ot_zone.2.push(format!(
                    "{net} is mostly controllers; not seen to be of OT in it: {}",
                    few.join(", ")
                ));
            }
        } else if ot.is_empty() {
            it_zone.1.push(net);
        } else {
            // Too few, or too mixed, to say anything about addresses nobody uses yet.
            ot_zone.2.push(format!("of {net}, single addresses"));
            ot_zone.1.extend(ot.iter().copied().map(IpNet::from));
            it_zone.1.extend(it.iter().copied().map(IpNet::from));
        }
    }
    text.push_str("\n# Zones as inferred: who answers or drives industrial protocols is OT, other private addresses are IT.\n");
    for (name, networks, notes) in zones {
        let networks = IpNet::aggregate(&networks);
        if networks.is_empty() {
            continue;
        }
        text.push('\n');
        for note in notes {
            let _never_fails = writeln!(text, "# {note}");
        }
        if networks.len() > MAX_SINGLE {
            let _never_fails = writeln!(
                text,
                "# {} more networks and addresses are left out: give the zone's whole ranges instead",
                networks.len().saturating_sub(MAX_SINGLE)
            );
        }
        let _never_fails = writeln!(
            text,
            "[[zone]]\nname = \"{name}\"\nnetworks = [{}]",
            quoted(networks.iter().take(MAX_SINGLE).map(|net| Party::Network(*net)))
        );
    }
}

fn conduits(picture: &Picture<'_>, text: &mut String) {
    text.push_str(
        "\n# Conduits for what is usual between OT and the rest. A pair that is listed here is constrained to what is listed.\n",
    );
    for ((from, to), flow) in &picture.flows {
        if flow.kinds.0 != Kind::Ot && flow.kinds.1 != Kind::Ot {
            continue;
        }
        let mut by_content: BTreeMap<&str, BTreeSet<Action>> = BTreeMap::new();
        let mut by_port: BTreeMap<String, u64> = BTreeMap::new();
        let mut left_out = Vec::new();
        for row in picture.rows.iter().filter(|row| &row.from.name == from && &row.to.name == to) {
            let of = row.conversation;
            if !of.taught {
                if !row.is_blocked() {
                    left_out.push(format!("{} -> {}, {}", row.key.client, row.key.server, row.service()));
                }
                continue;
            }
            let known = REGISTRY.iter().find(|spec| Some(spec.name) == of.protocol.as_deref());
            match (known, port(&row.key)) {
                (Some(spec), _) => by_content.entry(spec.name).or_default().extend(&of.usual),
                (None, Some(port @ (Port::Tcp(n) | Port::Udp(n)))) if n != 0 => {
                    let n = by_port.entry(Service::Port(port).to_string()).or_default();
                    *n = n.saturating_add(of.connections);
                }
                _ => left_out.push(format!(
                    "{} -> {}, {} has no ports to name",
                    row.key.client,
                    row.key.server,
                    transport(row.key.transport)
                )),
            }
        }
        if by_content.is_empty() && by_port.is_empty() {
            continue;
        }
        text.push('\n');
        left_out.sort();
        for row in left_out.iter().take(16) {
            let _never_fails = writeln!(text, "# not usual, left out: {row}");
        }
        if left_out.len() > 16 {
            let _never_fails = writeln!(text, "# and {} more", left_out.len().saturating_sub(16));
        }
        let ends = format!("[[conduit]]\nfrom = {}\nto = {}\n", quoted([from]), quoted([to]));
        for (protocol, actions) in by_content {
            let actions = if actions.is_empty() {
                String::new()
            } else {
                // Nothing is done without a session.
                let all = actions.iter().chain([&Action::Session]).collect::<BTreeSet<_>>();
                format!("actions = [{}]\n", quoted(all.into_iter().map(|action| action.name())))
            };
            let _never_fails = writeln!(text, "{ends}services = [{}]\n{actions}", quoted([protocol]));
        }
        let mut ports: Vec<(String, u64)> = by_port.into_iter().collect();
        ports.sort_by_key(|(service, n)| (std::cmp::Reverse(*n), service.clone()));
        if !ports.is_empty() {
            if ports.len() > MAX_SERVICES {
                let _never_fails = writeln!(
                    text,
                    "# {} rarer services are left out",
                    ports.len().saturating_sub(MAX_SERVICES)
                );
            }
            let services = quoted(ports.iter().take(MAX_SERVICES).map(|(service, _)| service));
            let _never_fails = writeln!(text, "{ends}services = [{services}]");
        }
    }
}
