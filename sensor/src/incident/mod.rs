//! Findings become incidents: by the same acting host, or by a host that one took over.

mod account;
mod bounds;
pub mod facts;
pub mod history;
mod membership;
mod review;
mod screen;
pub mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::detect::finding::{Basis, Finding};
use crate::detect::findings::Absorbed;
use crate::importance::budget::Family;
use crate::importance::{Importance, combine};
use crate::observer::Observer;
use crate::state::SiteAddr;
use crate::state::changes::Changes;
use crate::state::{Device, World};
use crate::time::Time;
pub use review::Reviewed;
use types::Taken;
pub use types::{Incident, State};

/// Findings and incidents remembered; see [`bounds`] for who has to go.
const MAX_FINDINGS: usize = 50_000;
const MAX_INCIDENTS: usize = 5_000;
/// Findings of no incident that may still become part of another.
const MAX_LOOSE: usize = 256;
/// Families of models whose p-values come together in an incident: the statistical ones, and novelty.
const FAMILIES: usize = Family::ALL.len() + 1;
const QUIET: Duration = Duration::from_secs(3600);
const CLOSED: Duration = Duration::from_secs(86_400);

/// Every finding and incident of this sensor's state.
#[derive(Default)]
pub struct Incidents {
    findings: BTreeMap<u64, Finding>,
    incidents: BTreeMap<u64, Incident>,
    /// The open incident a device acts in.
    actors: BTreeMap<Device, u64>,
    /// Hosts an incident's actor got into, and when.
    pivots: BTreeMap<SiteAddr, (u64, Time)>,
    /// Incidents by what they act upon.
    shared: BTreeMap<SiteAddr, BTreeSet<u64>>,
    changed_findings: Changes<u64>,
    changed_incidents: Changes<u64>,
    /// Findings and incidents forgotten for lack of room.
    pub evicted: u64,
    /// Findings and incidents forgotten for their age.
    pub expired: u64,
}

/// The smallest p of a finding as one of an incident's: other families had their chance too.
fn combined(importance: Option<Importance>) -> Option<Importance> {
    importance.map(|importance| {
        let mut ps = [1.0; FAMILIES];
        if let Some(first) = ps.first_mut() {
            *first = importance.p();
        }
        Importance::from_p(combine(&ps))
    })
}

impl Incidents {
    /// What was found before.
    pub fn restore(findings: Vec<Finding>, incidents: Vec<Incident>) -> Self {
        let incidents = incidents.into_iter().map(|incident| (incident.number, incident)).collect();
        let mut all = Self { incidents, ..Self::default() };
        for finding in findings {
            all.note_pivots(&finding);
            if let Some(number) = finding.incident {
                all.actors.insert(finding.device(), number);
                all.relate(number, &finding);
            }
            all.findings.insert(finding.number, finding);
        }
        all
    }

    /// Every finding, oldest first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// A finding.
    pub fn finding(&self, number: u64) -> Option<&Finding> {
        self.findings.get(&number)
    }

    /// Every incident, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// An incident.
    pub fn get(&self, number: u64) -> Option<&Incident> {
        self.incidents.get(&number)
    }

    /// An incident to change.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Incident> {
        self.changed_incident(number);
        self.incidents.get_mut(&number)
    }

    /// The number of the latest finding.
    pub fn last_finding(&self) -> u64 {
        self.findings.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Findings and incidents changed or forgotten since the last call.
    pub fn take_changes(&mut self) -> (Changes<u64>, Changes<u64>) {
        (self.changed_findings.take(), self.changed_incidents.take())
    }

    /// Everything counts as changed.
    pub fn touch(&mut self) {
        self.changed_findings.note_all();
        self.changed_incidents.note_all();
    }

    fn changed_finding(&mut self, number: u64) {
        self.changed_findings.note(number, MAX_FINDINGS);
    }

    fn changed_incident(&mut self, number: u64) {
        self.changed_incidents.note(number, MAX_INCIDENTS);
    }

    /// Takes in a new finding.
    pub fn add(&mut self, mut finding: Finding, world: &World, observer: &mut dyn Observer) {
        self.changed_finding(finding.number);
        // What is allowed is recorded; what only looks new, with nothing to compare with, is for an analyst to read. Neither
        // is an incident.
        if finding.basis != Basis::NoBaseline && finding.allowed.is_none() {
            let number = self.incident_of(&finding);
            finding.incident = Some(number);
            self.note_pivots(&finding);
            let number_of_finding = finding.number;
            observer.finding(&finding);
            self.make_room_in(number);
            self.findings.insert(number_of_finding, finding);
            self.join(number, number_of_finding, world, observer);
        } else {
            observer.finding(&finding);
            self.findings.insert(finding.number, finding);
        }
        self.make_room();
    }

    /// More of a finding that was raised.
    pub fn more(&mut self, number: u64, more: Finding, world: &World, observer: &mut dyn Observer) {
        self.changed_finding(number);
        let Some(finding) = self.findings.get_mut(&number) else { return };
        finding.fold(more);
        let finding = finding.clone();
        self.note_pivots(&finding);
        let Some(of) = finding.incident else { return };
        self.changed_incident(of);
        let Some(incident) = self.incidents.get_mut(&of) else { return };
        incident.last = incident.last.max(finding.last);
        let graver = finding.absorbed_by.is_none() && finding.severity > incident.severity;
        if graver && incident.state == State::Acknowledged {
            incident.state = State::Open;
        }
        incident.history.note(finding.last, finding.importance);
        incident.importance = incident.importance.max(combined(finding.importance));
        if !graver && finding.accepted == Some(false) {
            // What was feared from a request was refused.
            let own = incident.findings.iter().filter_map(|n| self.findings.get(n));
            let worst = own.filter(|f| f.absorbed_by.is_none()).map(|f| f.severity).max();
            incident.severity = worst.unwrap_or(incident.severity);
        }
        if graver {
            incident.severity = finding.severity;
            let number = incident.number;
            self.rewrite(number, world);
            if let Some(incident) = self.incidents.get(&number) {
                observer.incident(incident, "escalated");
            }
        }
    }

    /// The session a finding told of stands.
    pub fn enter(&mut self, number: u64) {
        let Some(finding) = self.findings.get_mut(&number).filter(|finding| !finding.entered) else { return };
        finding.entered = true;
        let finding = finding.clone();
        self.changed_finding(number);
        self.note_pivots(&finding);
    }

    /// Findings of these models by `actor`, not older than `since`, are part of finding `number`.
    pub fn absorb(&mut self, absorbed: &Absorbed) {
        let number = absorbed.number;
        let Some(whole) = self.findings.get(&number) else { return };
        let allowed = whole.allowed.is_some();
        // One actor's findings are in one incident; those in none are looked for among the latest.
        let candidates: Vec<u64> = match whole.incident.and_then(|n| self.incidents.get(&n)) {
            Some(incident) => incident.findings.clone(),
            None => self.findings.keys().rev().take(MAX_LOOSE).copied().collect(),
        };
        for n in candidates {
            let Some(finding) = self.findings.get_mut(&n) else { continue };
            let part = finding.allowed.is_some() == allowed
                && finding.actor == absorbed.actor
                && finding.number != number
                && finding.last >= absorbed.since
                && absorbed.models.contains(&finding.model.as_str())
                && absorbed.target.is_none_or(|target| finding.targets.iter().all(|t| t.ip == target));
            if part && finding.absorbed_by.is_none() {
                finding.absorbed_by = Some(number);
                self.changed_finding(n);
            }
        }
    }

    /// Incidents grow quiet and close.
    pub fn tick(&mut self, now: Time, world: &World, observer: &mut dyn Observer) {
        let mut changed = Vec::new();
        for incident in self.incidents.values_mut() {
            let idle = now.since(incident.last);
            let next = match incident.state {
                State::Closed => continue,
                State::Acknowledged if idle < CLOSED => continue,
                _ if idle >= CLOSED => State::Closed,
                _ if idle >= QUIET => State::Quiet,
                _ => State::Open,
            };
            if next != incident.state {
                incident.state = next;
                changed.push((incident.number, next.name()));
            }
        }
        for (number, what) in changed {
            self.rewrite(number, world);
            if let Some(incident) = self.incidents.get(&number) {
                observer.incident(incident, what);
            }
        }
    }

    /// Somebody takes an incident; `false` where there is none of that number, or it is closed.
    pub fn take(&mut self, number: u64, taken: Taken, world: &World, observer: &mut dyn Observer) -> bool {
        let Some(incident) = self.incidents.get_mut(&number) else { return false };
        if incident.state == State::Closed {
            return false;
        }
        incident.state = State::Acknowledged;
        incident.taken = Some(taken);
        self.rewrite(number, world);
        if let Some(incident) = self.incidents.get(&number) {
            observer.incident(incident, State::Acknowledged.name());
        }
        true
    }

    /// The input is over: every incident is told as it stands.
    pub fn finish(&mut self, world: &World, observer: &mut dyn Observer) {
        let numbers: Vec<u64> = self.incidents.keys().copied().collect();
        for number in numbers {
            self.rewrite(number, world);
            if let Some(incident) = self.incidents.get(&number) {
                observer.incident(incident, "summary");
            }
        }
    }

    /// What can be said about an incident.
    pub fn facts<'a>(&'a self, incident: &'a Incident, world: &World) -> facts::Facts<'a> {
        let findings: Vec<&Finding> = incident.findings.iter().filter_map(|n| self.findings.get(n)).collect();
        facts::Facts::of(incident, &findings, world)
    }

    /// Writes the account anew, for somebody who asks now.
    pub fn rewrite(&mut self, number: u64, world: &World) {
        let Some(incident) = self.incidents.get(&number) else { return };
        let findings: Vec<&Finding> = incident.findings.iter().filter_map(|n| self.findings.get(n)).collect();
        let (title, text) = account::write(&facts::Facts::of(incident, &findings, world));
        self.changed_incident(number);
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.title = title;
            incident.account = text;
        }
    }
}
