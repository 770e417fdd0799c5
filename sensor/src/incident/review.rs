//! What is open against what is allowed now.

use std::collections::BTreeSet;

use super::{Incidents, State, combined};
use crate::detect::finding::Finding;
use crate::observer::Observer;
use crate::state::SiteAddr;
use crate::state::rules::Allowance;
use crate::state::{Device, World};

/// What a review changed.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Findings that are allowed now.
    pub findings: Vec<u64>,
    /// Hosts behind which nothing is open any more.
    pub actors: Vec<SiteAddr>,
}

impl Incidents {
    /// Holds every incident that is not closed against what is allowed now. Findings that are covered leave their
    /// incident; an incident that is covered wholly is closed.
    pub fn review(&mut self, world: &World, observer: &mut dyn Observer) -> Reviewed {
        let mut reviewed = Reviewed::default();
        if !world.rules.allows_anything() {
            return reviewed;
        }
        let live: Vec<u64> =
            self.incidents.values().filter(|i| i.state != State::Closed).map(|i| i.number).collect();
        for number in live {
            let Some(incident) = self.incidents.get(&number) else { continue };
            let covered: Vec<(u64, Allowance)> = incident
                .findings
                .iter()
                .filter_map(|n| Some((*n, world.allowance_of(self.findings.get(n)?)?)))
                .collect();
            let whole = covered.len() == incident.findings.len();
            let Some((_, by)) = covered.first().cloned() else { continue };
            for (n, by) in &covered {
                self.changed_finding(*n);
                if let Some(finding) = self.findings.get_mut(n) {
                    finding.allowed = Some(by.clone());
                    if !whole {
                        finding.incident = None;
                    }
                }
            }
            reviewed.findings.extend(covered.iter().map(|(n, _)| *n));
            let before: Vec<SiteAddr> =
                self.incidents.get(&number).map(|i| i.actors.clone()).unwrap_or_default();
            if whole {
                if let Some(incident) = self.incidents.get_mut(&number) {
                    incident.state = State::Closed;
                    incident.allowed = Some(by);
                }
                self.actors.retain(|_, of| *of != number);
                self.pivots.retain(|_, (of, _)| *of != number);
                reviewed.actors.extend(before);
            } else {
                let gone: Vec<u64> = covered.iter().map(|(n, _)| *n).collect();
                self.without(number, &gone);
                let after = self.incidents.get(&number).map(|i| i.actors.clone()).unwrap_or_default();
                let left = self.acting_in(number);
                self.actors.retain(|actor, of| *of != number || left.contains(actor));
                reviewed.actors.extend(before.into_iter().filter(|actor| !after.contains(actor)));
            }
            self.rewrite(number, world);
            if let Some(incident) = self.incidents.get(&number) {
                observer.incident(incident, if whole { State::Closed.name() } else { "eased" });
            }
        }
        reviewed
    }

    /// The devices behind an incident's findings.
    fn acting_in(&self, number: u64) -> BTreeSet<Device> {
        let findings = self.incidents.get(&number).into_iter().flat_map(|incident| &incident.findings);
        findings.filter_map(|n| self.findings.get(n)).map(Finding::device).collect()
    }

    /// An incident without some of its findings, as if they had never been part of it.
    fn without(&mut self, number: u64, gone: &[u64]) {
        let Some(incident) = self.incidents.get_mut(&number) else { return };
        incident.findings.retain(|n| !gone.contains(n));
        let left: Vec<&Finding> = incident.findings.iter().filter_map(|n| self.findings.get(n)).collect();
        let Some(first) = left.first() else { return };
        incident.severity = left.iter().map(|f| f.severity).max().unwrap_or(first.severity);
        incident.importance = combined(left.iter().filter_map(|f| f.importance).max());
        incident.first = left.iter().map(|f| f.first).min().unwrap_or(first.first);
        incident.last = left.iter().map(|f| f.last).max().unwrap_or(first.last);
        incident.actors.retain(|actor| left.iter().any(|f| f.actor == *actor));
        incident.stages.retain(|stage| left.iter().any(|f| f.stage == *stage));
    }
}
