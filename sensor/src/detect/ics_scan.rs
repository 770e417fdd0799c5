//! One source tries the industrial ports of many hosts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::state::address::{ip, is_unicast};
use crate::state::host::DeviceStage;
use crate::time::Time;

/// Destinations in [`WINDOW`] that make a scan: a commercial sensor takes ten in two minutes.
const DESTINATIONS: usize = 10;
/// Slow scans stretch over minutes.
const WINDOW: Duration = Duration::from_secs(600);
/// Sources and destinations remembered.
const MAX_SOURCES: usize = 4096;
const MAX_DESTINATIONS: usize = 1024;
const ABSORBED: &[&str] = &["ics_failures", "internal_failures"];

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_scan",
    title: "ICS scan",
    summary: "One source tries industrial services on many hosts in a short time, answered or not. Only destinations new to the source count; a source still being learned needs half of them refused, unanswered or without application data; reading and writing takes a destination off. One finding that absorbs the failures it is made of.",
    techniques: &["T0846"],
    severity: Severity::High,
    build: || Box::new(Model::default()),
};

struct Model {
    sources: LruCache<IpAddr, Probes>,
}

/// Industrial destinations one source tried lately.
#[derive(Default)]
struct Probes {
    tried: BTreeMap<(IpAddr, u16), (Time, bool)>,
    told: BTreeMap<(IpAddr, u16), ()>,
    total: u64,
    ports: BTreeMap<u16, u64>,
    first: Option<Time>,
}

impl Default for Model {
    fn default() -> Self {
        Self { sources: LruCache::new(MAX_SOURCES) }
    }
}

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let (connection, failed) = match happening {
            Happening::Opened(connection) if connection.from_start => (connection, false),
            Happening::Failed(connection) => (connection, true),
            Happening::Command(connection, command, _)
                if command.action > crate::protocol::Action::Discover =>
            {
                // It works there: no probe.
                if let Some(probes) = self.sources.peek_mut(&connection.client.ip)
                    && probes.told.is_empty()
                {
                    probes.tried.remove(&(connection.server.ip, connection.server.port));
                }
                return;
            }
            Happening::Storm(storm) => return self.storm(storm, context, findings),
            _ => return,
        };
        if connection.industrial_port().is_none() {
            return;
        }
        let (source, end) = (connection.client.ip, (connection.server.ip, connection.server.port));
        if !is_unicast(end.0) || context.world.is_external(end.0) || context.world.knows(connection) {
            return;
        }
        let now = context.now;
        let probes = self.sources.entry(source).or_insert_with(Probes::default);
        probes.note(end, failed, now);
        let learning =
            context.world.stage(source) == DeviceStage::Learning && !context.world.judges(source, end.0);
        let failures = probes.tried.values().filter(|(_, failed)| *failed).count();
        let enough = probes.tried.len() >= DESTINATIONS
            && (!learning || failures.saturating_mul(2) >= probes.tried.len());
        if probes.told.is_empty() && !enough {
            return;
        }
        probes.tell(source, now, context, findings);
    }
}

impl Probes {
    fn note(&mut self, end: (IpAddr, u16), failed: bool, now: Time) {
        self.tried.retain(|_, (at, _)| now.since(*at) < WINDOW);
        let first = !self.tried.contains_key(&end) && !self.told.contains_key(&end);
        if self.tried.len() < MAX_DESTINATIONS || self.tried.contains_key(&end) {
            let entry = self.tried.entry(end).or_insert((now, failed));
            entry.1 |= failed;
        }
        if first {
            self.total = self.total.saturating_add(1);
            if self.ports.len() < 64 || self.ports.contains_key(&end.1) {
                let n = self.ports.entry(end.1).or_default();
                *n = n.saturating_add(1);
            }
        }
        if self.tried.len() <= 1 && self.told.is_empty() {
            self.first = Some(now);
            self.total = self.tried.len() as u64;
            self.ports = BTreeMap::from([(end.1, 1)]);
        }
    }

    fn tell(&mut self, source: IpAddr, now: Time, context: &Context<'_>, findings: &mut Findings) {
        let ports: Vec<String> = self.ports.iter().map(|(port, n)| format!("{n} on port {port}")).collect();
        let since = self.first.unwrap_or(now);
        let mut draft = Draft::about(&SPEC, source, now)
            .since(since)
            .same("scan")
            .stage(Stage::Discovery)
            .summary(format!(
                "{source} tried industrial services of {} destinations: {}",
                self.total,
                ports.join(", ")
            ))
            .measured(self.total as f64, 0.0, "destinations", now.since(since).max(Duration::from_secs(1)));
        for (ip, port) in self.tried.keys() {
            draft = draft.target(*ip, *port);
        }
        let number = findings.raise(draft.targets_total(self.total), context.world);
        findings.absorb(source, ABSORBED, number, since);
        for end in self.tried.keys() {
            if self.told.len() < MAX_DESTINATIONS {
                self.told.insert(*end, ());
            }
        }
    }
}

impl Model {
    fn storm(&mut self, storm: &crate::source::Storm, context: &Context<'_>, findings: &mut Findings) {
        if !storm.industrial || (storm.destinations as usize) < DESTINATIONS {
            return;
        }
        let Some(source) = storm.source.map(ip) else { return };
        let total = u64::from(storm.destinations);
        let draft = Draft::about(&SPEC, source, context.now)
            .same("scan")
            .stage(Stage::Discovery)
            .targets_total(total)
            .summary(format!("{source} opened industrial connections faster than the sensor follows: about {total} destinations"));
        let number = findings.raise(draft, context.world);
        findings.absorb(source, ABSORBED, number, context.now);
    }
}
