//! What came of one family and one seed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use isthmus::detect::finding::{Basis, Finding};
use isthmus::incident::Incident;
use isthmus::observer::Observer;

use crate::scenario::family::{Deed, Family, Kind};

/// A finding, as far as it is held against the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The model.
    pub model: String,
    /// Who acted.
    pub actor: IpAddr,
    /// When it was raised, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Why it was raised.
    pub basis: Basis,
    /// An exception covers it: recorded, nobody is called.
    pub allowed: bool,
    /// Its sentence.
    pub summary: String,
}

/// Told by the engine.
#[derive(Default)]
pub struct Seen {
    /// Findings in order.
    pub findings: Vec<Found>,
    /// Hosts that act in an incident.
    pub actors: BTreeSet<IpAddr>,
}

impl Observer for Seen {
    fn finding(&mut self, finding: &Finding) {
        self.findings.push(Found {
            model: finding.model.clone(),
            actor: finding.actor.ip,
            at_ns: finding.at.0,
            basis: finding.basis,
            allowed: finding.allowed.is_some(),
            summary: finding.summary.clone(),
        });
    }

    fn incident(&mut self, incident: &Incident, _: &'static str) {
        if incident.allowed.is_none() {
            self.actors.extend(incident.actors.iter().map(|actor| actor.ip));
        }
    }
}

/// A model that should have named an actor, and whether it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The model.
    pub model: &'static str,
    /// Time from the deed to the finding, in nanoseconds of record time; `None`: missed.
    pub delay_ns: Option<u64>,
    /// The delay counts from the very frame that did it.
    pub exact: bool,
}

/// What came of one family and one seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The family.
    pub family: &'static str,
    /// The seed.
    pub seed: u64,
    /// Days it lasted.
    pub days: f64,
    /// Expectations, met or not, in order of deeds.
    pub expected: Vec<Expectation>,
    /// Acting hosts, and whether each is in an incident.
    pub actors: Vec<(IpAddr, bool)>,
    /// Findings that nobody's deed explains.
    pub false_alarms: Vec<Found>,
    /// Frames analysed.
    pub frames: u64,
}

impl Outcome {
    /// Holds what was seen against the truth. `markers` are the times of the deeds' own frames, by deed.
    pub(super) fn of(
        family: &Family,
        seed: u64,
        days: f64,
        frames: u64,
        deeds: &[Deed],
        markers: &[Option<u64>],
        seen: Seen,
    ) -> Self {
        let mut expected = Vec::new();
        let mut actors: Vec<(IpAddr, bool)> = Vec::new();
        for (deed, marker) in deeds.iter().zip(markers) {
            let actor = IpAddr::from(deed.actor);
            if !actors.iter().any(|(known, _)| *known == actor) {
                actors.push((actor, seen.actors.contains(&actor)));
            }
            for model in deed.models {
                // What a model said of an actor before is said: more of the same is folded into it.
                let first = seen
                    .findings
                    .iter()
                    .filter(|f| {
                        f.model == *model && f.actor == actor && !f.allowed && f.basis != Basis::NoBaseline
                    })
                    .map(|f| f.at_ns)
                    .next();
                let since = marker.unwrap_or(deed.at_ns);
                let delay_ns = first.map(|at| at.saturating_sub(since));
                expected.push(Expectation { model, delay_ns, exact: marker.is_some() });
            }
        }
        let false_alarms = seen
            .findings
            .into_iter()
            .filter(|f| !f.allowed && f.basis != Basis::NoBaseline)
            .filter(|f| !deeds.iter().any(|deed| explains(deed, f, family.kind)))
            .collect();
        Self { family: family.id, seed, days, expected, actors, false_alarms, frames }
    }

    /// Whether every acting host is in an incident; true where nobody acted.
    pub fn all_named(&self) -> bool {
        self.actors.iter().all(|(_, named)| *named)
    }
}

/// Whether a deed is why something was found: of an intruder whatever is told, of who means no harm only what should be.
fn explains(deed: &Deed, found: &Found, kind: Kind) -> bool {
    found.actor == IpAddr::from(deed.actor)
        && (kind != Kind::Benign || deed.models.contains(&found.model.as_str()))
}
