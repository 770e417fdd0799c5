//! The first screen of an incident: what is asked at three in the morning, answered from facts.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{is_new, named, title};
use super::types::{Incident, State};
use crate::config::Criticality;
use crate::detect::finding::{Finding, Stage};
use crate::protocol::Action;
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::address::mac_text;
use crate::state::rules::Allowance;
use crate::state::zone::Kind;
use crate::words::second;

/// Assets named on the first screen; more are counted.
const SHOWN: usize = 6;
/// Models whose targets were only knocked at.
const KNOCKING: &[&str] = &["ics_failures", "ics_scan", "internal_failures", "segmentation"];
/// Each question with its answer, in the order they are asked.
pub(super) fn answers(incident: &Incident, own: &[&Finding], world: &World) -> [(&'static str, String); 5] {
    [
        ("What", what(incident, own, world)),
        ("Was the process touched", touched(own, world)),
        ("Which assets", assets(incident, own, world)),
        ("Is it going on", going_on(incident)),
        ("Next safe check", next_check(incident, own, world)),
    ]
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
    let mut by_outcome: BTreeMap<Option<bool>, BTreeMap<Action, BTreeSet<SiteAddr>>> = BTreeMap::new();
    for finding in own {
        if let Some(action) = change(finding) {
            let targets = by_outcome.entry(finding.accepted).or_default().entry(action).or_default();
            targets.extend(finding.targets.iter().map(|target| target.ip));
        }
    }
    let tell = |outcome: &BTreeMap<Action, BTreeSet<SiteAddr>>, verb: &str| {
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
pub fn acted_upon(incident: &Incident, own: &[&Finding], world: &World) -> Vec<SiteAddr> {
    let mut assets: BTreeMap<SiteAddr, bool> = BTreeMap::new();
    for finding in own.iter().filter(|f| !KNOCKING.contains(&f.model.as_str())) {
        for target in &finding.targets {
            let kind = world.zone(target.ip).kind;
            if !matches!(kind, Kind::External | Kind::Group) && !incident.actors.contains(&target.ip) {
                *assets.entry(target.ip).or_default() |=
                    change(finding).is_some() && finding.accepted != Some(false);
            }
        }
    }
    let criticality = |ip: &SiteAddr| world.asset(*ip).map_or(Criticality::Medium, |asset| asset.criticality);
    let mut ordered: Vec<(SiteAddr, bool)> = assets.into_iter().collect();
    ordered.sort_by_key(|(ip, changed)| (std::cmp::Reverse((*changed, criticality(ip))), *ip));
    ordered.into_iter().map(|(ip, _)| ip).collect()
}

fn contacts(assets: &[SiteAddr], world: &World) -> Vec<String> {
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
    let ask = |ips: &[SiteAddr]| match contacts(ips, world) {
        none if none.is_empty() => "ask who is responsible for them".to_owned(),
        some => format!("ask {}", list(some, 2)),
    };
    let grave: Vec<&&Finding> =
        own.iter().filter(|f| change(f) >= Some(Action::Program) && f.accepted != Some(false)).collect();
    if !grave.is_empty() {
        let controllers: BTreeSet<SiteAddr> = grave.iter().flat_map(|f| &f.targets).map(|t| t.ip).collect();
        let controllers: Vec<SiteAddr> = controllers.into_iter().collect();
        let names = list(controllers.iter().map(|ip| world.called(*ip)).collect(), 4);
        checks.push(format!(
            "look at the run state of {names} on site, compare their programs with the last backup, and {} whether this was planned",
            ask(&controllers)
        ));
    } else if let Some(written) = own.iter().find(|f| change(f).is_some() && f.accepted != Some(false)) {
        let targets: Vec<SiteAddr> = written.targets.iter().map(|t| t.ip).collect();
        checks.push(format!(
            "have the operator compare set points and alarms of {} with what they should be, and {} whether this was planned",
            list(targets.iter().map(|ip| world.called(*ip)).collect(), 4),
            ask(&targets)
        ));
    }
    if let Some(session) = own.iter().find(|f| f.model == "admin_rdp") {
        let targets: Vec<SiteAddr> = session.targets.iter().map(|t| t.ip).collect();
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
