//! A finding while a detector makes it.

use std::time::Duration;

use super::Spec;
use super::finding::{Basis, Finding, Measure, Severity, Stage, Target};
use crate::importance::Importance;
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::time::Time;

/// Ends of a draft that are held against allowances; beyond them only an allowance to anybody covers it.
pub const MAX_REACH: usize = 4096;
/// A finding a detector is making.
pub struct Draft {
    pub(super) same: String,
    pub(super) once: bool,
    pub(super) spec: &'static Spec,
    pub(super) finding: Finding,
    /// Every end acted upon, up to [`MAX_REACH`].
    pub(super) reach: Vec<Target>,
}

impl Draft {
    /// A finding about what `connection`'s client does.
    pub fn new(spec: &'static Spec, connection: &Connection, now: Time) -> Self {
        let mut draft = Self::about(spec, connection.client.ip, now);
        let f = &mut draft.finding;
        f.first = connection.opened.min(now);
        f.actor_port = (connection.client.port != 0).then_some(connection.client.port);
        f.transport = connection.transport_name().to_owned();
        f.protocol = connection.protocol.map(|spec| spec.name.to_owned());
        draft.same = connection.server.ip.to_string();
        draft.target(connection.server.ip, connection.service_port())
    }

    /// A finding about what a host does.
    pub fn about(spec: &'static Spec, actor: SiteAddr, now: Time) -> Self {
        let finding = Finding::about(spec, actor, now);
        Self { same: String::new(), once: false, spec, finding, reach: Vec::new() }
    }

    /// What makes it the same finding, beside model and actor. By default the server of its connection.
    pub fn same(mut self, same: impl Into<String>) -> Self {
        self.same = same.into();
        self
    }

    /// Said once: more of the same adds nothing.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Why it is raised.
    pub fn basis(mut self, basis: Basis) -> Self {
        self.finding.basis = basis;
        self
    }

    /// Where in an intrusion it belongs.
    pub fn stage(mut self, stage: Stage) -> Self {
        self.finding.stage = stage;
        self
    }

    /// How much harm it may mean, where that is not the model's usual.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    /// How probable it was.
    pub fn p(mut self, p: f64) -> Self {
        self.finding.importance = Some(Importance::from_p(p));
        self
    }

    /// One sentence with the numbers.
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.finding.summary = summary.into();
        self
    }

    /// What was measured and what was expected, in the same unit and window.
    pub fn measured(mut self, observed: f64, expected: f64, unit: &str, window: Duration) -> Self {
        let measure = |value| Measure { value, unit: unit.to_owned(), window_s: window.as_secs_f64() };
        self.finding.observed = Some(measure(observed));
        self.finding.expected = Some(measure(expected));
        self
    }

    /// One more end acted upon.
    pub fn target(mut self, ip: SiteAddr, port: u16) -> Self {
        self.finding.targets_total = self.finding.targets_total.saturating_add(1);
        let target = Target { ip, port: (port != 0).then_some(port) };
        if self.reach.len() <= MAX_REACH {
            self.reach.push(target.clone());
        }
        self.finding.add_target(target);
        self
    }

    /// How many targets there were, where more than listed.
    pub fn targets_total(mut self, n: u64) -> Self {
        self.finding.targets_total = n;
        self
    }

    /// A fact for the account.
    pub fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.finding.facts.push((name.to_owned(), value.into()));
        self
    }

    /// Whether the controller accepted it.
    pub fn accepted(mut self, accepted: Option<bool>) -> Self {
        self.finding.accepted = accepted;
        self
    }

    /// A session into the target stands: its actor can go on from there.
    pub fn entered(mut self) -> Self {
        self.finding.entered = true;
        self
    }

    /// ATT&CK techniques, where they are not all of the model's.
    pub fn techniques(mut self, techniques: &[&str]) -> Self {
        self.finding.techniques = techniques.iter().map(|t| (*t).to_owned()).collect();
        self
    }

    /// When it began.
    pub fn since(mut self, first: Time) -> Self {
        self.finding.first = first;
        self
    }
}
