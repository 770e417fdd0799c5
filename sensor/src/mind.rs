//! What the engine thinks: the world, the detectors that judge with it, the incidents that come of it.
//!
//! Detectors judge first, then the world learns, and only what nobody found unusual: traffic behind an open finding
//! teaches nothing.

mod learning;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hashlink::LruCache;

use crate::chronicle::Chronicle;
use crate::detect::finding::{Basis, Finding};
use crate::detect::happening::LISTS;
use crate::detect::{Context, Detector, Findings, Happening, REGISTRY, Settings};
use crate::incident::Incidents;
use crate::observer::Observer;
use crate::protocol::Action;
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::state::{Device, World};
use crate::time::Time;

const DAY: Duration = Duration::from_secs(86_400);
/// How often zones are inferred anew while the site is being learned.
const INFER: Duration = Duration::from_secs(60);
/// How often what is too old is looked for.
const EXPIRE: Duration = Duration::from_secs(3600);
/// Hosts watched by hand, at most.
const MAX_WATCHED: usize = 256;

/// Every model takes its settings. What they refuse was refused when the configuration was read: there is none here.
fn configure(detectors: &mut [Box<dyn Detector>], config: &crate::config::Config) {
    for (spec, detector) in REGISTRY.iter().zip(detectors) {
        if detector.configure(Settings::of(config, spec.id)).is_err() {
            *detector = (spec.build)();
        }
    }
}

/// State of the analysis, without connections.
pub struct Mind {
    /// Everything known.
    pub world: World,
    /// Everything found.
    pub incidents: Incidents,
    /// What happened that was not usual.
    pub chronicle: Chronicle,
    detectors: Vec<Box<dyn Detector>>,
    /// By [`Happening::list`]: which detectors want to be told.
    audience: Vec<Vec<usize>>,
    findings: Findings,
    suspects: LruCache<Device, Time>,
    /// Who did what always is news to whom.
    hits: LruCache<(Device, Device), ()>,
    /// When zones were last inferred.
    inferred: Time,
    /// When what is too old was last looked for.
    expired: Time,
    /// The number of the latest order that was carried out.
    pub obeyed: u64,
    /// Hosts an operator wants to see everything of, and until when.
    pub watched: BTreeMap<IpAddr, Time>,
}

impl Mind {
    /// Detectors of every model, over what is known and what was found before.
    pub fn new(world: World, incidents: Incidents) -> Self {
        let mut findings = Findings::new(incidents.last_finding());
        // What happens again after it was declared benign is told again, where it is always news.
        let declared = world.site.graduated_at.unwrap_or_default();
        incidents.findings().filter(|f| f.last > declared).for_each(|finding| findings.remember(finding));
        let mut suspects = LruCache::new(65_536);
        for finding in incidents.findings().filter(|finding| finding.allowed.is_none()) {
            suspects.insert(finding.device(), finding.last);
        }
        let mut detectors: Vec<Box<dyn Detector>> = REGISTRY.iter().map(|spec| (spec.build)()).collect();
        configure(&mut detectors, world.rules.config());
        let wanting = |list| (0..).zip(&detectors).filter(move |(_, d)| d.interest().wants(list));
        let audience = (0..LISTS).map(|list| wanting(list).map(|(at, _)| at).collect()).collect();
        Self {
            world,
            incidents,
            chronicle: Chronicle::default(),
            detectors,
            audience,
            findings,
            suspects,
            hits: LruCache::new(65_536),
            inferred: Time::default(),
            expired: Time::default(),
            obeyed: 0,
            watched: BTreeMap::new(),
        }
    }

    /// An operator wants to see everything of a host. Beyond the packet path's watch list, what ends first makes room.
    pub fn watch(&mut self, ip: IpAddr, until: Time) {
        let known = self.watched.entry(ip).or_default();
        *known = until.max(*known);
        while self.watched.len() > MAX_WATCHED
            && let Some(first) = self.watched.iter().min_by_key(|(_, until)| **until).map(|(ip, _)| *ip)
        {
            self.watched.remove(&first);
        }
    }

    /// Goes by another configuration from now on, also for what is open. Nothing learned is lost.
    pub fn reload(&mut self, config: &crate::config::Config, observer: &mut dyn Observer) {
        self.world.configure(config);
        configure(&mut self.detectors, config);
        self.review(observer);
    }

    /// Holds what is open against what is allowed now.
    pub fn review(&mut self, observer: &mut dyn Observer) {
        let reviewed = self.incidents.review(&self.world, observer);
        self.findings.forget(&reviewed.findings);
        for actor in reviewed.actors {
            self.trust(actor);
        }
    }

    /// What an allowance covered is news again when it happens again.
    pub(crate) fn disallow(&mut self, number: u64) {
        let covered = |finding: &&Finding| {
            finding.allowed.as_ref().is_some_and(|allowed| allowed.number == Some(number))
        };
        let findings: Vec<u64> = self.incidents.findings().filter(covered).map(|f| f.number).collect();
        self.findings.forget(&findings);
    }

    /// A host is no longer taken for an intruder's.
    pub(crate) fn trust(&mut self, ip: SiteAddr) {
        self.suspects.remove(&self.world.who(ip));
    }

    /// What was saved last did not reach the disk: everything counts as changed.
    pub fn unsaved(&mut self) {
        self.world.hosts.touch_all();
        self.world.conversations.touch_all();
        self.world.externals.touch_all();
        self.world.stations.rows.touch_all();
        self.incidents.touch();
        self.chronicle.touch_all();
    }

    /// Record time goes on.
    pub fn advance(&mut self, now: Time) {
        let site = &mut self.world.site;
        if site.first == Time::default() {
            site.first = now;
        }
        if site.last == Time::default() {
            site.last = now;
        }
        let passed = now.since(site.last);
        if passed >= Duration::from_secs(1) {
            site.budget.advance(passed);
            site.last = now;
        }
    }

    /// Lets every detector judge that wants to.
    pub fn happen(&mut self, happening: &Happening<'_>, now: Time) {
        self.findings.doing(match happening {
            Happening::Command(_, command, _) => Some(command.action),
            // Whoever takes another's address means to change something.
            Happening::Address(_) => Some(Action::Configure),
            // A volume says nothing about what it carried.
            Happening::Volume(_) | Happening::Tick | Happening::Loss => None,
            _ => Some(Action::Session),
        });
        let mut context = Context { now, world: &mut self.world };
        for at in self.audience.get(happening.list()).into_iter().flatten() {
            if let Some(detector) = self.detectors.get_mut(*at) {
                detector.on(happening, &mut context, &mut self.findings);
            }
        }
    }

    /// Tells what was found since the last call.
    pub fn settle(&mut self, observer: &mut dyn Observer) {
        if self.findings.is_empty() {
            return;
        }
        let (raised, folded, absorbed) = self.findings.take();
        for finding in raised {
            if finding.basis != Basis::NoBaseline && finding.allowed.is_none() {
                self.suspects.insert(finding.device(), finding.at);
                self.hit(&finding);
            }
            self.incidents.add(finding, &self.world, observer);
        }
        for (number, more) in folded {
            if more.allowed.is_none() {
                self.suspects.insert(more.device(), more.at);
                self.hit(&more);
            }
            self.incidents.more(number, more, &self.world, observer);
        }
        for number in self.findings.take_entered() {
            self.incidents.enter(number);
        }
        for absorbed in absorbed {
            self.incidents.absorb(&absorbed);
        }
    }

    /// What always is news teaches nothing, also in a past that is declared benign. Programs and stops never become usual by
    /// themselves; what else passes between those two may. A scanner's conversations are its scan, all of them.
    fn hit(&mut self, finding: &Finding) {
        if finding.basis != Basis::Rule {
            return;
        }
        let actor = finding.device();
        match finding.model.as_str() {
            "reprogram" | "controller_state" => {}
            "ics_scan" => drop(self.hits.insert((actor, actor), ())),
            _ => {
                for target in &finding.targets {
                    self.hits.insert((actor, self.world.who(target.ip)), ());
                }
            }
        }
    }

    /// Once a second.
    pub fn tick(&mut self, now: Time, observer: &mut dyn Observer) {
        self.happen(&Happening::Tick, now);
        self.settle(observer);
        if now.since(self.inferred) >= INFER {
            self.inferred = now;
            self.world.infer_subnets();
        }
        self.incidents.tick(now, &self.world, observer);
        if now.since(self.expired) >= EXPIRE {
            self.expired = now;
            self.expire(now);
        }
    }

    /// Forgets what the configuration says is too old.
    fn expire(&mut self, now: Time) {
        let retention = &self.world.rules.config().retention;
        let before = |days: u32| now.before(DAY.saturating_mul(days));
        let (events, incidents) = (before(retention.events_days), before(retention.incidents_days));
        self.chronicle.expire(events);
        let gone = self.incidents.expire(incidents);
        if !gone.is_empty() {
            self.findings.forget(&gone);
        }
    }

    /// The input is over.
    pub fn finish(&mut self, observer: &mut dyn Observer) {
        self.incidents.finish(&self.world, observer);
    }

    /// A packet went to this host: its return direction is visible here.
    pub fn note_received(&mut self, ip: SiteAddr) {
        if self.world.hosts.get(&ip).is_some_and(|host| !host.received) {
            let last = self.world.site.last;
            self.world
                .hosts
                .entry(&ip, || crate::state::Host { first: last, ..Default::default() })
                .received = true;
        }
    }

    /// Both ends answered each other: neither address is forged.
    pub(crate) fn hear(&mut self, connection: &mut Connection) {
        connection.heard = true;
        self.world.note_heard(connection.client.ip);
        self.world.note_heard(connection.server.ip);
    }
}
