//! One source tries the industrial services of many hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hashlink::LruCache;
use sensor_ebpf::flow::Transport;
use serde::Deserialize;

use super::agenda::Agenda;
use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Settings, Spec};
use crate::protocol::{Action, Direction};
use crate::state::address::{ip, is_unicast, mac_text};
use crate::state::connection::Connection;
use crate::state::host::DeviceStage;
use crate::state::{ConnectionState, Kind, World};
use crate::state::{SiteAddr, SiteMac};
use crate::time::Time;

/// What may be set.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    /// Hosts within [`WINDOW`] that make a scan: a commercial sensor takes ten in two minutes.
    hosts: usize,
    /// Of a source that never had to do with industrial devices, and is past being learned, fewer are enough.
    hosts_of_a_stranger: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hosts: 10, hosts_of_a_stranger: 3 }
    }
}

/// Slow scans stretch over an hour.
const WINDOW: Duration = Duration::from_secs(3600);
/// A destination that was opened and then not read or written for this long was only tried.
const TRIED: Duration = Duration::from_secs(10);
/// Reads and writes of a destination that are work and no probe.
const WORK: u32 = 3;
/// Sources and destinations remembered.
const MAX_SOURCES: usize = 4096;
const MAX_DESTINATIONS: usize = 1024;
/// Addresses one source sends under that are told apart.
const MAX_NAMES: usize = 1024;
/// Beyond this many destinations a scan is not looked at with every packet.
const LARGE: usize = 64;
const ABSORBED: &[&str] = &["ics_failures", "internal_failures"];

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_scan",
    title: "ICS scan",
    summary: "One source tries industrial services on many hosts in a short time, answered or not. Only destinations new to the source count; a source still being learned needs half of them refused, unanswered or without application data; reading and writing on takes a destination off, so that a server that takes over polling is no scan. Groups and broadcast are no destinations. One finding that absorbs the failures it is made of; new addresses behind the MAC of one device, which is no router's, are that device.",
    techniques: &["T0846"],
    severity: Severity::High,
    build: || Box::new(Model::default()),
};

struct Model {
    limits: Limits,
    sources: LruCache<SiteAddr, Probes>,
    /// Sources of which time alone may make a scan, or that are too large to be looked at with every packet.
    agenda: Agenda<SiteAddr>,
}

/// What became of one destination.
struct Probe {
    /// When it was tried first, and last.
    since: Time,
    at: Time,
    failed: bool,
    /// It ended, without work.
    ended: bool,
    talked: bool,
    work: u32,
}

/// Industrial destinations one source tried lately.
#[derive(Default)]
struct Probes {
    tried: BTreeMap<(SiteAddr, u16), Probe>,
    told: BTreeSet<(SiteAddr, u16)>,
    total: u64,
    ports: BTreeMap<u16, u64>,
    first: Option<Time>,
    /// Addresses it used, at most [`MAX_NAMES`], and how many were told.
    names: BTreeSet<SiteAddr>,
    names_told: usize,
    /// Its MAC, where it sends under addresses that are not its own.
    mac: Option<SiteMac>,
    /// When it is looked at again without news of it.
    due: Option<Time>,
}

impl Default for Model {
    fn default() -> Self {
        Self { limits: Limits::default(), sources: LruCache::new(MAX_SOURCES), agenda: Agenda::default() }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::OPENED
            .and(Interest::FAILED)
            .and(Interest::CLOSED)
            .and(Interest::STORM)
            .and(Interest::TICK)
            .commands(&[Action::Read, Action::Write, Action::Discover])
    }

    fn configure(&mut self, settings: Settings<'_>) -> Result<(), String> {
        let limits: Limits = settings.read()?;
        for (key, n) in [("hosts", limits.hosts), ("hosts_of_a_stranger", limits.hosts_of_a_stranger)] {
            if !(2..=1000).contains(&n) {
                return Err(settings.bad(key, "must be 2 to 1000; one host alone is no scan"));
            }
        }
        self.limits = limits;
        Ok(())
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        match happening {
            Happening::Opened(connection) => {
                let opens = connection.from_start || connection.transport == Transport::Udp;
                if opens && counts(connection, context.world) {
                    let client = connection.client.ip;
                    let sender = context.world.sender(client);
                    let source = sender.map_or(client, |(owner, _)| owner);
                    let probes = self.probes(source);
                    probes.mac = sender.map(|(_, mac)| mac).or(probes.mac);
                    if probes.names.len() < MAX_NAMES {
                        probes.names.insert(client);
                    }
                    probes.opened(end(connection), context.now);
                    self.news(source, context, findings);
                }
            }
            Happening::Failed(connection) => {
                let source = source(connection, context.world);
                if let Some(probe) = self.probe(source, connection) {
                    probe.failed = true;
                    self.news(source, context, findings);
                }
            }
            Happening::Closed(connection) => {
                let source = source(connection, context.world);
                if let Some(probe) = self.probe(source, connection) {
                    probe.ended = connection.state != ConnectionState::Established;
                    self.news(source, context, findings);
                }
            }
            Happening::Command(connection, command, _) => {
                // Whoever opened the connection tried, also where it is asked in it.
                let (opener, at) = connection.opened_by();
                let source = context.world.sender(opener).map_or(opener, |(owner, _)| owner);
                let Some(probes) = self.sources.peek_mut(&source) else { return };
                let Some(probe) = probes.tried.get_mut(&at) else { return };
                probe.talked = true;
                if command.direction == Direction::Request && command.action != Action::Discover {
                    probe.work = probe.work.saturating_add(1);
                }
                // It works there: no probe. What is left may be a scan without it.
                if probe.work >= WORK && !probes.told.contains(&at) {
                    probes.tried.remove(&at);
                    self.agenda.set(source, &mut probes.due, Some(context.now));
                }
            }
            Happening::Storm(storm) => self.storm(storm, context, findings),
            Happening::Tick => {
                while let Some(source) = self.agenda.take(context.now) {
                    if let Some(probes) = self.sources.peek_mut(&source) {
                        probes.due = None;
                        judge(source, probes, self.limits, context, findings);
                        let at = probes.due_after(context.now);
                        self.agenda.set(source, &mut probes.due, at);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Model {
    /// What a source tried; the one that tried nothing for the longest time makes room.
    fn probes(&mut self, source: SiteAddr) -> &mut Probes {
        if self.sources.len() >= MAX_SOURCES
            && self.sources.peek(&source).is_none()
            && let Some((old, mut probes)) = self.sources.remove_lru()
        {
            self.agenda.set(old, &mut probes.due, None);
        }
        self.sources.entry(source).or_insert_with(Probes::default)
    }

    fn probe(&mut self, source: SiteAddr, connection: &Connection) -> Option<&mut Probe> {
        self.sources.peek_mut(&source)?.tried.get_mut(&end(connection))
    }

    /// Something happened to what a source tried. Large scans are looked at once a second.
    fn news(&mut self, source: SiteAddr, context: &Context<'_>, findings: &mut Findings) {
        let Some(probes) = self.sources.peek_mut(&source) else { return };
        let at = if probes.tried.len() > LARGE {
            Some(context.now)
        } else {
            judge(source, probes, self.limits, context, findings);
            probes.due_after(context.now)
        };
        self.agenda.set(source, &mut probes.due, at);
    }
}

fn end(connection: &Connection) -> (SiteAddr, u16) {
    (connection.server.ip, connection.server.port)
}

/// Whose probes a connection's are: forged sources are one, by the device that forges them.
fn source(connection: &Connection, world: &World) -> SiteAddr {
    let client = connection.client.ip;
    world.sender(client).map_or(client, |(owner, _)| owner)
}

fn counts(connection: &Connection, world: &World) -> bool {
    connection.industrial_port().is_some()
        && is_unicast(connection.server.ip)
        && !world.is_external(connection.server.ip)
        && !world.knows(connection)
}

/// Whether what a source tried is a scan by now, and tells it.
fn judge(
    source: SiteAddr,
    probes: &mut Probes,
    limits: Limits,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    if !probes.has_news() {
        return;
    }
    let (now, world) = (context.now, &*context.world);
    probes.tried.retain(|_, probe| now.since(probe.at) < WINDOW);
    let hosts = |of: &mut dyn Iterator<Item = &SiteAddr>| of.collect::<BTreeSet<_>>().len();
    let tried: Vec<(&(SiteAddr, u16), &Probe)> = probes.tried.iter().collect();
    // What was opened a moment ago may yet turn out to be work.
    let only_tried = |probe: &Probe| probe.failed || probe.ended || now.since(probe.since) >= TRIED;
    let done = hosts(&mut tried.iter().filter(|(_, probe)| only_tried(probe)).map(|((ip, _), _)| ip));
    if probes.told.is_empty() && done < limits.hosts.min(limits.hosts_of_a_stranger) {
        return;
    }
    let all = hosts(&mut tried.iter().map(|((ip, _), _)| ip));
    let mute = |probe: &Probe| probe.failed || !probe.talked;
    let quiet = hosts(&mut tried.iter().filter(|(_, p)| only_tried(p) && mute(p)).map(|((ip, _), _)| ip));
    // An address nobody ever answered from is in no stage; a source that is new to a known site is judged.
    let learning =
        !world.judges_outward(source) && tried.iter().all(|((ip, _), _)| !world.judges(source, *ip));
    let enough = if learning {
        done >= limits.hosts && quiet.saturating_mul(2) >= all
    } else {
        done >= wanted(source, limits, world)
    };
    // What was forgotten just now may have been the news.
    if (probes.told.is_empty() && !enough) || !probes.has_news() {
        return;
    }
    probes.tell(source, now, context, findings);
}

/// How many hosts make it a scan.
fn wanted(source: SiteAddr, limits: Limits, world: &World) -> usize {
    let drives = world.hosts.get(&source).is_some_and(|host| host.speaks_ot);
    let office = world.kind(source) == Kind::It;
    let stranger = office || world.is_new(source) || world.stage(source) == DeviceStage::Learning;
    if world.has_baseline() && stranger && !drives { limits.hosts_of_a_stranger } else { limits.hosts }
}

impl Probes {
    /// Destinations that were not told, or twice the addresses that were.
    fn has_news(&self) -> bool {
        let names = self.names_told.max(1).saturating_mul(2) <= self.names.len();
        names || self.tried.keys().any(|end| !self.told.contains(end))
    }

    /// When time alone may change what it looks like: something turns out to have been only tried, or is forgotten.
    fn due_after(&self, now: Time) -> Option<Time> {
        let change = |probe: &Probe| {
            let tried = probe.since.plus(TRIED);
            if tried > now && !probe.failed && !probe.ended { tried } else { probe.at.plus(WINDOW) }
        };
        if self.has_news() { self.tried.values().map(change).min() } else { None }
    }

    fn opened(&mut self, end: (SiteAddr, u16), now: Time) {
        if self.tried.is_empty() && self.told.is_empty() {
            self.first = Some(now);
        }
        if self.tried.len() >= MAX_DESTINATIONS && !self.tried.contains_key(&end) {
            return;
        }
        self.tried
            .entry(end)
            .or_insert(Probe { since: now, at: now, failed: false, ended: false, talked: false, work: 0 })
            .at = now;
    }

    fn tell(&mut self, source: SiteAddr, now: Time, context: &Context<'_>, findings: &mut Findings) {
        for end in self.tried.keys() {
            if self.told.len() < MAX_DESTINATIONS && self.told.insert(*end) {
                self.total = self.total.saturating_add(1);
                let n = self.ports.entry(end.1).or_default();
                *n = n.saturating_add(1);
            }
        }
        let failed = self.tried.values().filter(|probe| probe.failed).count();
        let ports: Vec<String> = self.ports.iter().map(|(port, n)| format!("{n} on port {port}")).collect();
        let since = self.first.unwrap_or(now);
        self.names_told = self.names.len();
        let under = match self.mac {
            Some(mac) if self.names.len() > 1 => {
                let more = if self.names.len() >= MAX_NAMES { " or more" } else { "" };
                format!(" under {}{more} addresses behind {}", self.names.len(), mac_text(mac))
            }
            _ => String::new(),
        };
        let more = if self.told.len() >= MAX_DESTINATIONS { " or more" } else { "" };
        let mut draft = Draft::about(&SPEC, source, now)
            .since(since)
            .same("scan")
            .stage(Stage::Discovery)
            .summary(format!(
                "{source}{under} tried industrial services of {}{more} destinations: {}; {failed} of the last {} were refused or unanswered",
                self.total,
                ports.join(", "),
                self.tried.len()
            ))
            .measured(self.total as f64, 0.0, "destinations", now.since(since).max(Duration::from_secs(1)));
        if let Some(mac) = self.mac {
            draft = draft.fact("mac", mac_text(mac));
        }
        for (ip, port) in self.tried.keys() {
            draft = draft.target(*ip, *port);
        }
        let number = findings.raise(draft.targets_total(self.total), context.world);
        findings.absorb(source, ABSORBED, number, since);
    }
}

impl Model {
    fn storm(&mut self, storm: &crate::source::Storm, context: &Context<'_>, findings: &mut Findings) {
        if !storm.industrial || (storm.destinations as usize) < self.limits.hosts {
            return;
        }
        let Some(source) = storm.source.map(|words| context.world.somewhere(ip(words))) else { return };
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
