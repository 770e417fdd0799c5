//! The written account of an incident: deterministic text from facts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::types::{Incident, State};
use crate::detect::by_id;
use crate::detect::finding::Finding;
use crate::state::World;
use crate::state::address::mac_text;
use crate::time::Time;

/// Title and account.
pub fn write(incident: &Incident, findings: &[&Finding], world: &World) -> (String, Vec<String>) {
    let own: Vec<&&Finding> = findings.iter().filter(|f| f.absorbed_by.is_none()).collect();
    let actor = incident.actors.first().copied();
    let title = title(actor, &own);
    let mut text = first_screen(incident, &own, world);
    text.push(String::new());
    for actor in &incident.actors {
        text.extend(device(*actor, world));
    }
    text.push(String::new());
    text.push("What happened, in order:".to_owned());
    let mut ordered = own.clone();
    ordered.sort_by_key(|f| (f.first, f.number));
    text.extend(ordered.iter().map(|finding| line(finding)));
    let absorbed = findings.len().saturating_sub(own.len());
    if absorbed > 0 {
        text.push(format!("  ({absorbed} more findings are part of these.)"));
    }
    let hidden: BTreeSet<&str> = own
        .iter()
        .flat_map(|f| &f.facts)
        .filter(|(_, value)| value == "not observable")
        .map(|(name, _)| name.as_str())
        .collect();
    if !hidden.is_empty() {
        text.push(String::new());
        text.push(format!("Not observable: {}.", hidden.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let techniques: BTreeSet<&str> = own.iter().flat_map(|f| &f.techniques).map(String::as_str).collect();
    text.push(String::new());
    text.push(format!("ATT&CK for ICS: {}.", techniques.into_iter().collect::<Vec<_>>().join(", ")));
    (title, text)
}

fn title(actor: Option<IpAddr>, own: &[&&Finding]) -> String {
    let gravest = own.iter().max_by_key(|f| (f.severity, std::cmp::Reverse(f.number)));
    let what = gravest.and_then(|f| by_id(&f.model)).map_or("Unusual activity", |spec| spec.title);
    match (actor, own.len()) {
        (Some(actor), 0 | 1) => format!("{what} by {actor}"),
        (Some(actor), n) => format!("{what} and {} more by {actor}", n.saturating_sub(1)),
        (None, _) => what.to_owned(),
    }
}

/// What is asked at three in the morning.
fn first_screen(incident: &Incident, own: &[&&Finding], world: &World) -> Vec<String> {
    let actors: Vec<String> = incident.actors.iter().map(|ip| named(*ip, world)).collect();
    let seen = own.iter().any(|f| f.protocol.is_some() || f.accepted.is_some());
    let how = if seen { "seen in content" } else { "possible: by ports and numbers only" };
    let touched: Vec<&&&Finding> = own.iter().filter(|f| f.accepted.is_some()).collect();
    let process = match touched.iter().find(|f| f.accepted == Some(true)) {
        Some(f) => format!("yes: {} accepted what {} sent", list(f), f.actor),
        None if touched.is_empty() => "no command that changes it was seen".to_owned(),
        None => "tried; every such command seen was refused".to_owned(),
    };
    let mut assets: BTreeSet<IpAddr> = BTreeSet::new();
    for finding in
        own.iter().filter(|f| !matches!(f.model.as_str(), "ics_scan" | "ics_failures" | "internal_failures"))
    {
        assets.extend(finding.targets.iter().map(|t| t.ip).filter(|ip| !world.is_external(*ip)));
    }
    let assets: Vec<String> = assets.into_iter().take(12).map(|ip| named(ip, world)).collect();
    let going = match incident.state {
        State::Open => format!("yes, last seen {}", minute(incident.last)),
        State::Acknowledged => "somebody took it".to_owned(),
        State::Quiet | State::Closed => format!("no, quiet since {}", minute(incident.last)),
    };
    vec![
        format!("What: {} by {} ({how}).", kinds(own), actors.join(", ")),
        format!("Was the process touched: {process}."),
        format!("Which assets: {}.", if assets.is_empty() { "none inside".to_owned() } else { assets.join(", ") }),
        format!("Is it going on: {going}."),
        "Next safe check: find the device at its switch port by its MAC and ask who brought it; compare the controllers' \
         programs with the last backup. Do not isolate a controller."
            .to_owned(),
    ]
}

fn kinds(own: &[&&Finding]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut ordered: Vec<&&&Finding> = own.iter().collect();
    ordered.sort_by_key(|f| (f.first, f.number));
    for finding in ordered {
        let name = by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn list(finding: &Finding) -> String {
    let shown: Vec<String> = finding.targets.iter().take(4).map(|t| t.ip.to_string()).collect();
    shown.join(", ")
}

fn named(ip: IpAddr, world: &World) -> String {
    let zone = world.zone(ip).name;
    match world.hosts.get(&ip).map(|host| host.role().0) {
        Some(role) if role != "host" => format!("{ip} ({role}, zone {zone})"),
        _ => format!("{ip} (zone {zone})"),
    }
}

fn device(ip: IpAddr, world: &World) -> Vec<String> {
    let Some(host) = world.hosts.get(&ip) else {
        return vec![format!("Device {ip}: nothing is known of it.")];
    };
    let mac = match (host.mac, host.via) {
        (Some(mac), _) => format!("MAC {}", mac_text(mac)),
        (None, Some(mac)) => format!("via {}", mac_text(mac)),
        (None, None) => "MAC not observable".to_owned(),
    };
    let (role, why) = host.role();
    let new = if host.newcomer && !host.graduated { "a new device, " } else { "" };
    vec![format!(
        "Device {ip}: {new}{mac}, zone {}, first seen {}, last {}, {role} ({why}).",
        world.zone(ip).name,
        minute(host.first),
        minute(host.last)
    )]
}

fn line(finding: &Finding) -> String {
    let times = if finding.count > 1 {
        format!(" ({} times until {})", finding.count, minute(finding.last))
    } else {
        String::new()
    };
    let more = finding.targets_total.saturating_sub(1);
    let others =
        if more > 0 && finding.measured_one() { format!(", and {more} more targets") } else { String::new() };
    let importance =
        finding.importance.map_or(String::new(), |importance| format!(" [importance {importance}]"));
    let facts: Vec<&str> = finding
        .facts
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "command" | "failed" | "endpoint" | "tls.subject"))
        .map(|(_, value)| value.as_str())
        .collect();
    let facts = if facts.len() > 1 { format!(" — {}", facts.join("; ")) } else { String::new() };
    format!(
        "  {}  {:<8}  {}{others}{times}{importance}{facts}",
        minute(finding.first),
        finding.severity.name(),
        finding.summary
    )
}

/// To the second: what a log is searched for.
fn minute(time: Time) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}
