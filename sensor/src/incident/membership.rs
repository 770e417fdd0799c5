//! Which incident a finding is part of: its actor's, or that of whoever got into its actor.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Incident, Incidents, MAX_FINDINGS, State, combined};
use crate::detect::finding::Finding;
use crate::observer::Observer;
use crate::state::World;

/// An actor's next finding within this time belongs to the same incident.
const JOIN: Duration = Duration::from_secs(7 * 86_400);
/// Targets by which incidents are known to be related.
const MAX_TARGETS: usize = 65_536;

impl Incidents {
    /// The incident a finding belongs to, made if there is none.
    pub(super) fn incident_of(&mut self, finding: &Finding) -> u64 {
        let live = |number: &u64| {
            self.incidents
                .get(number)
                .is_some_and(|i| i.state != State::Closed && finding.at.since(i.last) < JOIN)
        };
        if let Some(number) = self.actors.get(&finding.device()).filter(|n| live(n)) {
            return *number;
        }
        if let Some((number, since)) = self.pivots.get(&finding.actor)
            && live(number)
            && *since <= finding.at
        {
            let number = *number;
            self.actors.insert(finding.device(), number);
            return number;
        }
        let number = self.incidents.last_key_value().map_or(0, |(number, _)| *number).saturating_add(1);
        self.actors.insert(finding.device(), number);
        self.incidents.insert(
            number,
            Incident {
                number,
                state: State::Open,
                first: finding.first,
                last: finding.last,
                actors: Vec::new(),
                findings: Vec::new(),
                severity: finding.severity,
                importance: None,
                stages: Vec::new(),
                related: Vec::new(),
                history: Default::default(),
                taken: None,
                allowed: None,
                title: String::new(),
                account: Vec::new(),
            },
        );
        number
    }

    pub(super) fn join(&mut self, number: u64, of: u64, world: &World, observer: &mut dyn Observer) {
        let Some(finding) = self.findings.get(&of).cloned() else { return };
        let related = self.relate(number, &finding);
        let Some(incident) = self.incidents.get_mut(&number) else { return };
        let opened = incident.findings.is_empty();
        let graver = finding.severity > incident.severity;
        incident.first = incident.first.min(finding.first);
        incident.last = incident.last.max(finding.last);
        incident.findings.push(of);
        incident.severity = incident.severity.max(finding.severity);
        incident.importance = incident.importance.max(combined(finding.importance));
        incident.history.note(finding.at, finding.importance);
        if !incident.actors.contains(&finding.actor) {
            incident.actors.push(finding.actor);
        }
        if !incident.stages.contains(&finding.stage) {
            incident.stages.push(finding.stage);
        }
        for other in related {
            if !incident.related.contains(&other) && incident.related.len() < 16 {
                incident.related.push(other);
            }
        }
        // What somebody took is theirs until it grows worse than what they saw.
        if graver || incident.state != State::Acknowledged {
            incident.state = State::Open;
        }
        self.rewrite(number, world);
        if let Some(incident) = self.incidents.get(&number)
            && (opened || graver)
        {
            observer.incident(incident, if opened { "opened" } else { "escalated" });
        }
    }

    /// Other incidents with a target of this finding; everybody talks to the WinCC server, so it makes them related and not
    /// one.
    pub(super) fn relate(&mut self, number: u64, finding: &Finding) -> BTreeSet<u64> {
        let mut related = BTreeSet::new();
        for target in &finding.targets {
            if self.shared.len() >= MAX_TARGETS && !self.shared.contains_key(&target.ip) {
                continue;
            }
            let incidents = self.shared.entry(target.ip).or_default();
            related.extend(incidents.iter().copied().filter(|other| *other != number));
            incidents.insert(number);
            // The latest are the ones somebody looks at.
            while incidents.len() > 8 {
                incidents.pop_first();
            }
        }
        related
    }

    /// A remote session or a change that went through makes its target a place to go on from.
    pub(super) fn note_pivots(&mut self, finding: &Finding) {
        let Some(number) = finding.incident else { return };
        let changed = matches!(finding.model.as_str(), "external_ics" | "new_action" | "reprogram")
            && finding.accepted == Some(true)
            && finding.actions.iter().any(|action| action.changes_the_process());
        let got_in = finding.entered || changed;
        if got_in && self.pivots.len() < MAX_FINDINGS {
            for target in &finding.targets {
                self.pivots.entry(target.ip).or_insert((number, finding.at));
            }
        }
    }
}
