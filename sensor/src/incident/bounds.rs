//! Who has to go when there are too many: a flood of forged sources must not push out the one that matters.

use std::cmp::Reverse;

use super::{Incident, Incidents, MAX_FINDINGS, MAX_INCIDENTS, State};
use crate::detect::finding::Finding;
use crate::time::Time;

/// Findings of one incident: what an intruder does to ten thousand devices is told by the first and the gravest.
const MAX_OF_ONE: usize = 512;

impl Incidents {
    /// Forgets what matters least until all bounds hold, and counts it.
    pub(super) fn make_room(&mut self) {
        while self.incidents.len() > MAX_INCIDENTS {
            let Some(number) = self.least_incident() else { break };
            self.evicted = self.evicted.saturating_add(1);
            self.forget_incident(number);
        }
        while self.findings.len() > MAX_FINDINGS {
            let Some((number, finding)) = self.findings.pop_first() else { break };
            self.evicted = self.evicted.saturating_add(1);
            self.changed_finding(number);
            if let Some(incident) = finding.incident.and_then(|of| self.incidents.get_mut(&of)) {
                incident.findings.retain(|n| *n != number);
                let of = incident.number;
                self.changed_incident(of);
            }
        }
    }

    /// Makes room for one more finding in an incident: the least severe goes, of these the latest.
    pub(super) fn make_room_in(&mut self, number: u64) {
        let Some(incident) = self.incidents.get(&number).filter(|i| i.findings.len() >= MAX_OF_ONE) else {
            return;
        };
        let found = incident.findings.iter().filter_map(|n| self.findings.get(n));
        let least = found.min_by_key(|f| (f.absorbed_by.is_none(), f.severity, Reverse(f.number)));
        let Some(least) = least.map(|finding| finding.number) else { return };
        self.findings.remove(&least);
        self.evicted = self.evicted.saturating_add(1);
        self.changed_finding(least);
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.findings.retain(|n| *n != least);
        }
    }

    /// Closed before open, free before taken, mild before grave, likely before unlikely, old before new.
    fn least_incident(&self) -> Option<u64> {
        let least = self.incidents.values().min_by_key(|incident| {
            let open = incident.state != State::Closed;
            (open, incident.taken.is_some(), incident.severity, incident.importance, incident.last)
        });
        least.map(|incident| incident.number)
    }

    /// Forgets closed incidents, and findings of none, of which there was no news since `before`; returns the findings that
    /// are gone. The latest of each stays whatever its age: numbers are counted on from it, and never given twice.
    pub fn expire(&mut self, before: Time) -> Vec<u64> {
        let (last, last_incident) = (self.last_finding(), self.incidents.last_key_value().map(|(n, _)| *n));
        let over = |incident: &&Incident| {
            incident.state == State::Closed
                && incident.last < before
                && Some(incident.number) != last_incident
                && !incident.findings.contains(&last)
        };
        let incidents: Vec<u64> = self.incidents.values().filter(over).map(|i| i.number).collect();
        let mut gone = Vec::new();
        for number in incidents {
            let findings = self.incidents.get(&number).map(|incident| incident.findings.clone());
            self.forget_incident(number);
            self.expired = self.expired.saturating_add(1);
            gone.extend(findings.into_iter().flatten());
        }
        let loose = |finding: &&Finding| {
            finding.incident.is_none() && finding.last < before && finding.number != last
        };
        let loose: Vec<u64> = self.findings.values().filter(loose).map(|finding| finding.number).collect();
        for number in loose {
            self.findings.remove(&number);
            self.changed_finding(number);
            gone.push(number);
        }
        self.expired = self.expired.saturating_add(gone.len() as u64);
        gone
    }

    fn forget_incident(&mut self, number: u64) {
        let Some(incident) = self.incidents.remove(&number) else { return };
        self.changed_incident(number);
        self.actors.retain(|_, of| *of != number);
        self.pivots.retain(|_, (of, _)| *of != number);
        for n in &incident.findings {
            let Some(finding) = self.findings.remove(n) else { continue };
            self.changed_finding(*n);
            for target in &finding.targets {
                if let Some(incidents) = self.shared.get_mut(&target.ip) {
                    incidents.remove(&number);
                    if incidents.is_empty() {
                        self.shared.remove(&target.ip);
                    }
                }
            }
        }
    }
}
