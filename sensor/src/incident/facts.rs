//! What can be said about an incident: the same facts for text, JSON and the report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::types::{Incident, State};
use crate::config::Criticality;
use crate::detect::finding::{Finding, Stage};
use crate::detect::{attack, by_id};
use crate::protocol::{Action, AssetField};
use crate::state::World;
use crate::state::address::mac_text;
use crate::state::rules::Allowance;
use crate::state::zone::Kind;
use crate::time::Time;
use crate::words::second;

/// Assets named on the first screen; more are counted.
const SHOWN: usize = 6;
/// Models whose targets were only knocked at.
const KNOCKING: &[&str] = &["ics_failures", "ics_scan", "internal_failures", "segmentation"];
/// Devices acted upon that are described; the first screen names fewer.
const DESCRIBED: usize = 12;

/// A device that acts.
pub struct Device {
    /// Its address.
    pub ip: IpAddr,
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
            screen: [
                ("What", what(incident, &own, world)),
                ("Was the process touched", touched(&own, world)),
                ("Which assets", assets(incident, &own, world)),
                ("Is it going on", going_on(incident)),
                ("Next safe check", next_check(incident, &own, world)),
            ],
            devices: incident.actors.iter().map(|ip| Device::of(*ip, world)).collect(),
            assets: acted_upon(incident, &own, world)
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
    fn of(ip: IpAddr, world: &World) -> Self {
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
pub fn is_new(ip: IpAddr, world: &World) -> bool {
    world.hosts.get(&ip).is_some_and(|host| host.newcomer && !host.graduated)
}

/// A device's role in words. What a new device does says nothing about what it is there for.
pub fn role(ip: IpAddr, world: &World) -> Option<String> {
    let named = world.asset(ip).is_some_and(|asset| asset.role.is_some());
    let role = world.role(ip).0;
    (role != "host" && (named || !is_new(ip, world))).then(|| role.replace('_', " "))
}

/// An address with its name and role, and its zone where `zone` asks for it.
pub fn named(ip: IpAddr, world: &World, zone: bool) -> String {
    let address = world.asset(ip).map(|_| ip.to_string());
    let zone = zone.then(|| format!("zone {}", world.zone(ip).name));
    let more: Vec<String> = address.into_iter().chain(role(ip, world)).chain(zone).collect();
    let name = world.asset(ip).map_or_else(|| ip.to_string(), |asset| asset.name.clone());
    if more.is_empty() { name } else { format!("{name} ({})", more.join(", ")) }
}

/// The title of a finding's model.
pub fn title(finding: &Finding) -> &str {
    by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title)
}

/// Kinds of findings, the gravest first.
fn kinds<'a>(own: &[&'a Finding]) -> Vec<&'a str> {
    let mut ordered = own.to_vec();
    ordered.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.first, f.number));
    let mut names: Vec<&str> = Vec::new();
    for name in ordered.into_iter().map(title) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn list(mut items: Vec<String>, shown: usize) -> String {
    let more = items.len().saturating_sub(shown);
    items.truncate(shown);
    match more {
        0 => items.join(", "),
        more => format!("{} and {more} more", items.join(", ")),
    }
}

fn what(incident: &Incident, own: &[&Finding], world: &World) -> String {
    let kinds = kinds(own);
    let gravest: Vec<String> = kinds.iter().take(4).map(|kind| (*kind).to_owned()).collect();
    let others = match kinds.len().saturating_sub(gravest.len()) {
        0 => String::new(),
        1 => " and one other kind of finding".to_owned(),
        n => format!(" and {n} other kinds of finding"),
    };
    let actors: Vec<String> = incident
        .actors
        .iter()
        .map(|ip| {
            let new = if is_new(*ip, world) { "the new device " } else { "" };
            format!("{new}{}", named(*ip, world, true))
        })
        .collect();
    let seen = own.iter().filter(|f| f.protocol.is_some() || f.accepted.is_some()).count();
    let sure = match seen {
        0 => "possible: by ports and numbers only, no content was seen".to_owned(),
        n if n == own.len() => "seen in content".to_owned(),
        n => format!("seen in content for {n} of {} findings, by ports and numbers for the rest", own.len()),
    };
    format!("{}{others}, by {} ({sure})", gravest.join(", "), list(actors, 3))
}

/// The gravest thing a finding's commands do to the process. Only findings about such commands: those about who talks to
/// whom are told of all of them.
pub fn change(finding: &Finding) -> Option<Action> {
    if finding.stage != Stage::Impact && finding.accepted.is_none() {
        return None;
    }
    finding.actions.iter().copied().filter(|action| action.changes_the_process()).max()
}

const fn deed(action: Action) -> &'static str {
    match action {
        Action::Program => "a change of program",
        Action::Control => "a stop, start or restart",
        Action::Configure => "a change of configuration",
        _ => "written values",
    }
}

fn touched(own: &[&Finding], world: &World) -> String {
    let mut by_outcome: BTreeMap<Option<bool>, BTreeMap<Action, BTreeSet<IpAddr>>> = BTreeMap::new();
    for finding in own {
        if let Some(action) = change(finding) {
            let targets = by_outcome.entry(finding.accepted).or_default().entry(action).or_default();
            targets.extend(finding.targets.iter().map(|target| target.ip));
        }
    }
    let tell = |outcome: &BTreeMap<Action, BTreeSet<IpAddr>>, verb: &str| {
        let deeds: Vec<String> = outcome
            .iter()
            .rev()
            .map(|(action, targets)| {
                let targets = targets.iter().map(|ip| world.called(*ip)).collect();
                format!("{} {verb} {}", list(targets, 4), deed(*action))
            })
            .collect();
        deeds.join("; ")
    };
    if let Some(accepted) = by_outcome.get(&Some(true)) {
        return format!("YES: {}", tell(accepted, "accepted"));
    }
    match (by_outcome.get(&None), by_outcome.get(&Some(false))) {
        (Some(unknown), _) => format!("not known: {}, and no answer was seen", tell(unknown, "was sent")),
        (None, Some(refused)) => format!("tried, and refused: {}", tell(refused, "refused")),
        (None, None) => "no command that changes it was seen".to_owned(),
    }
}

/// Devices inside that were acted upon, not merely knocked at: what changes the process first, then by how much depends on
/// them.
pub fn acted_upon(incident: &Incident, own: &[&Finding], world: &World) -> Vec<IpAddr> {
    let mut assets: BTreeMap<IpAddr, bool> = BTreeMap::new();
    for finding in own.iter().filter(|f| !KNOCKING.contains(&f.model.as_str())) {
        for target in &finding.targets {
            let kind = world.zone(target.ip).kind;
            if !matches!(kind, Kind::External | Kind::Group) && !incident.actors.contains(&target.ip) {
                *assets.entry(target.ip).or_default() |=
                    change(finding).is_some() && finding.accepted != Some(false);
            }
        }
    }
    let criticality = |ip: &IpAddr| world.asset(*ip).map_or(Criticality::Medium, |asset| asset.criticality);
    let mut ordered: Vec<(IpAddr, bool)> = assets.into_iter().collect();
    ordered.sort_by_key(|(ip, changed)| (std::cmp::Reverse((*changed, criticality(ip))), *ip));
    ordered.into_iter().map(|(ip, _)| ip).collect()
}

fn contacts(assets: &[IpAddr], world: &World) -> Vec<String> {
    let mut contacts: Vec<String> = Vec::new();
    for asset in assets.iter().filter_map(|ip| world.asset(*ip)) {
        if let Some(contact) = &asset.contact {
            let text = format!("{contact} ({})", asset.name);
            if !contacts.contains(&text) {
                contacts.push(text);
            }
        }
    }
    contacts
}

fn assets(incident: &Incident, own: &[&Finding], world: &World) -> String {
    let assets = acted_upon(incident, own, world);
    let knocked = own
        .iter()
        .filter(|f| KNOCKING.contains(&f.model.as_str()))
        .map(|f| f.targets_total)
        .max()
        .unwrap_or(0);
    if assets.is_empty() {
        return match knocked {
            0 => "none inside".to_owned(),
            n => format!("none inside was acted upon; {n} destinations were tried"),
        };
    }
    let whose = match contacts(&assets, world) {
        none if none.is_empty() => "no contact is configured".to_owned(),
        some => format!("contact {}", list(some, 3)),
    };
    let tried = if knocked > 0 { format!("; {knocked} destinations were tried") } else { String::new() };
    let mut zones: Vec<String> = Vec::new();
    for ip in &assets {
        let zone = world.zone(*ip).name;
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    let names = list(assets.iter().map(|ip| named(*ip, world, false)).collect(), SHOWN);
    format!(
        "{names}; in {}; {whose}{tried}",
        list(zones.into_iter().map(|zone| format!("zone {zone}")).collect(), 3)
    )
}

fn allowed(by: &Allowance) -> String {
    match by.number {
        Some(number) => format!("allowed as {number}: {}", by.reason),
        None => format!("allowed: {}", by.reason),
    }
}

fn going_on(incident: &Incident) -> String {
    let last = format!("last seen {} UTC", second(incident.last));
    let taken = incident.taken.as_ref().map_or(String::new(), |taken| {
        let by = taken.by.as_deref().unwrap_or("somebody");
        let note = taken.note.as_ref().map_or(String::new(), |note| format!(", who says: {note}"));
        format!("; taken by {by} at {} UTC{note}", second(taken.at))
    });
    match (incident.state, &incident.allowed) {
        (_, Some(by)) => format!("closed, {}", allowed(by)),
        (State::Open, _) => format!("yes, {last}{taken}"),
        (State::Acknowledged, _) => format!("it may, {last}{taken}"),
        (State::Quiet | State::Closed, _) => format!("no, quiet; {last}{taken}"),
    }
}

fn next_check(incident: &Incident, own: &[&Finding], world: &World) -> String {
    let mut checks: Vec<String> = Vec::new();
    let ask = |ips: &[IpAddr]| match contacts(ips, world) {
        none if none.is_empty() => "ask who is responsible for them".to_owned(),
        some => format!("ask {}", list(some, 2)),
    };
    let grave: Vec<&&Finding> =
        own.iter().filter(|f| change(f) >= Some(Action::Program) && f.accepted != Some(false)).collect();
    if !grave.is_empty() {
        let controllers: BTreeSet<IpAddr> = grave.iter().flat_map(|f| &f.targets).map(|t| t.ip).collect();
        let controllers: Vec<IpAddr> = controllers.into_iter().collect();
        let names = list(controllers.iter().map(|ip| world.called(*ip)).collect(), 4);
        checks.push(format!(
            "look at the run state of {names} on site, compare their programs with the last backup, and {} whether this was planned",
            ask(&controllers)
        ));
    } else if let Some(written) = own.iter().find(|f| change(f).is_some() && f.accepted != Some(false)) {
        let targets: Vec<IpAddr> = written.targets.iter().map(|t| t.ip).collect();
        checks.push(format!(
            "have the operator compare set points and alarms of {} with what they should be, and {} whether this was planned",
            list(targets.iter().map(|ip| world.called(*ip)).collect(), 4),
            ask(&targets)
        ));
    }
    if let Some(session) = own.iter().find(|f| f.model == "admin_rdp") {
        let targets: Vec<IpAddr> = session.targets.iter().map(|t| t.ip).collect();
        let names = list(targets.iter().map(|ip| world.called(*ip)).collect(), 3);
        checks.push(format!("look at who is logged on to {names}"));
    }
    let stranger = incident.actors.iter().find_map(|ip| {
        let host = world.hosts.get(ip)?;
        (host.newcomer && !host.graduated && world.zone(*ip).kind != Kind::External).then_some((ip, host.mac))
    });
    if let Some((ip, mac)) = stranger {
        let by = mac.map_or(String::new(), |mac| format!(" by its MAC {}", mac_text(mac)));
        checks.push(format!("find {ip} at its switch port{by} and ask who brought it"));
    }
    if checks.is_empty() {
        let actors = list(incident.actors.iter().map(|ip| world.called(*ip)).collect(), 3);
        checks.push(format!(
            "{} whether {actors} should do this",
            ask(&incident.actors).replace(" for them", " for it")
        ));
    }
    let text = checks.join("; ");
    format!("{text}. Leave controllers connected: what cuts one off may stop the process")
}
