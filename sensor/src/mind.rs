//! What the engine thinks: the world, the detectors that judge with it, the incidents that come of it.
//!
//! Detectors judge first, then the world learns, and only what nobody found unusual: traffic behind an open finding
//! teaches nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hashlink::LruCache;

use crate::chronicle::{Chronicle, Towards};
use crate::detect::finding::{Basis, Finding};
use crate::detect::happening::{Change, LISTS};
use crate::detect::{Context, Detector, Findings, Happening, REGISTRY, Settings};
use crate::importance::hours::hour_of_week;
use crate::incident::Incidents;
use crate::observer::Observer;
use crate::protocol::{Action, Asset, Command, rdp};
use crate::state::address::is_unicast;
use crate::state::connection::{Connection, net_up};
use crate::state::conversation::{Conversation, Key};
use crate::state::host::MAX_DRIVEN;
use crate::state::rules::Act;
use crate::state::world::External;
use crate::state::{ConnectionState, Device, Kind, World};
use crate::time::Time;

/// A host that was found acting unusually teaches nothing for this long after.
const SUSPECT: Duration = Duration::from_secs(7 * 86_400);

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
    pub(crate) fn trust(&mut self, ip: IpAddr) {
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
    pub fn note_received(&mut self, ip: IpAddr) {
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

    fn is_suspect(&self, ip: IpAddr, now: Time) -> bool {
        self.suspects.peek(&self.world.who(ip)).is_some_and(|last| now.since(*last) < SUSPECT)
    }

    /// Whether what this connection does is ordinary by definition: nobody judges it, and nobody found its client.
    fn teaches(&self, connection: &Connection, action: Action, now: Time) -> bool {
        // What is allowed is not thereby usual: when the allowance ends it is news again.
        if self.world.allowance(&Act::of(connection, Some(action), now)).is_some() {
            return false;
        }
        let (client, server) = (connection.client.ip, connection.server.ip);
        if self.world.settings.learn {
            // The files are the benign past, but for what always is news.
            let [from, to] = [client, server].map(|ip| self.world.who(ip));
            let hit = |pair| self.hits.peek(&pair).is_some();
            return !hit((from, to)) && !hit((from, from));
        }
        !self.world.judges(client, server) && !self.is_suspect(client, now)
    }

    /// Whether what was judged becomes usual, because nobody found it unusual, nor anything else its client did lately.
    fn settles(&self, connection: &Connection, now: Time) -> bool {
        self.world.allowance(&Act::of(connection, Some(Action::Session), now)).is_none()
            && self.world.judges(connection.client.ip, connection.server.ip)
            && !self.world.settings.operational
            && !self.is_suspect(connection.client.ip, now)
    }

    /// Whether what this connection does belongs into the event log: it is not usual, or its client was found out.
    fn is_unusual(&self, connection: &Connection, now: Time) -> bool {
        self.is_news(self.world.knows(connection), connection, now)
    }

    /// As [`Self::is_unusual`], where it was looked up whether the conversation is usual.
    fn is_news(&self, known: bool, connection: &Connection, now: Time) -> bool {
        !self.world.settings.learn && (!known || self.is_suspect(connection.client.ip, now))
    }

    fn conversation(&mut self, connection: &Connection, now: Time) -> &mut Conversation {
        self.conversation_of(&self.world.key(connection), now)
    }

    fn conversation_of(&mut self, key: &Key, now: Time) -> &mut Conversation {
        let conversation =
            self.world.conversations.entry(key, || Conversation { first: now, ..Default::default() });
        conversation.last = conversation.last.max(now);
        conversation
    }

    /// A connection was opened.
    pub fn learn_opened(&mut self, connection: &Connection, now: Time) {
        let teaches = self.teaches(connection, Action::Session, now);
        let (client, server) = (connection.client.ip, connection.server.ip);
        let suspect = self.is_suspect(client, now) || self.world.settings.operational;
        let judged = self.world.judges_outward(client);
        // Where a device in its first days goes is not yet usual for the site.
        let newcomer = self.world.hosts.get(&client).is_some_and(|host| host.newcomer && !host.graduated);
        let conversation = self.conversation(connection, now);
        conversation.connections = conversation.connections.saturating_add(1);
        if self.world.is_outward(connection) {
            let external = self
                .world
                .externals
                .entry(&World::external_key(server), || External { first: now, ..Default::default() });
            external.last = now;
            external.connections = external.connections.saturating_add(1);
            if external.clients.len() < 8 {
                external.clients.insert(client);
            }
            // After learning, what nobody found unusual for a day is usual too.
            let settled = judged && !suspect && now.since(external.first) >= DAY;
            external.taught |= (teaches || settled) && !newcomer;
        }
    }

    /// Content told the protocol. Streams of process data hold no commands and never end: this is all there is to learn of
    /// them.
    pub fn learn_identified(&mut self, connection: &Connection, now: Time) {
        let Some(protocol) = connection.protocol.filter(|spec| spec.industrial) else { return };
        if self.teaches(connection, Action::Session, now) {
            self.world.host(connection.client.ip, now).industrial(protocol.name, false);
        }
    }

    /// A connection failed.
    pub fn learn_failed(&mut self, connection: &Connection, now: Time) {
        let conversation = self.conversation(connection, now);
        conversation.failures = conversation.failures.saturating_add(1);
        if !self.world.settings.learn {
            let towards = if self.world.is_external(connection.server.ip) {
                Towards::External
            } else if connection.industrial_port().is_some() {
                Towards::Industrial
            } else {
                Towards::Inside
            };
            self.chronicle.failed(connection, towards);
        }
    }

    /// The conversation becomes usual; what the server is used to with it.
    fn teach(&mut self, connection: &Connection, now: Time) {
        let conversation = self.conversation(connection, now);
        conversation.taught = true;
        self.world.learn_session(connection, now);
    }

    /// A message was exchanged.
    pub fn learn_command(&mut self, connection: &Connection, command: &Command, now: Time) {
        let teaches = self.teaches(connection, command.action, now);
        // Commands come thousands a second: what they are part of is looked up once.
        let key = self.world.key(connection);
        let known = self.world.conversations.get(&key).is_some_and(|conversation| conversation.taught);
        let unusual = self.is_news(known, connection, now);
        self.chronicle.command(connection, command, unusual);
        let protocol = connection.protocol.map_or("", |spec| spec.name);
        let conversation = self.conversation_of(&key, now);
        conversation.count(command.action);
        if conversation.protocol.is_none() {
            conversation.protocol = Some(protocol.to_owned());
        }
        // What always is news never becomes usual.
        let usual = teaches && !matches!(command.action, Action::Program | Action::Control);
        let new = usual && conversation.usual.insert(command.action);
        let answered = connection.has_dialogue() && is_unicast(connection.server.ip);
        let frozen = self.world.is_frozen();
        let server = self.world.who(connection.server.ip);
        let client = self.world.host(connection.client.ip, now);
        client.industrial(protocol, false);
        if usual && answered {
            client.speaks_ot = true;
            client.did.insert(command.action);
            if client.drives_controllers.len() < MAX_DRIVEN {
                client.drives_controllers.insert(server);
            }
        }
        if answered {
            let server = self.world.host(connection.server.ip, now);
            server.industrial(protocol, true);
            server.speaks_ot |= !frozen;
        }
        if new {
            self.world.learn_action(connection.client.ip, command.action);
        }
        if usual && !known {
            self.teach(connection, now);
        }
    }

    /// A remote desktop was opened.
    pub fn learn_rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, now: Time) {
        let teaches = self.teaches(connection, Action::Session, now);
        let unusual = self.is_unusual(connection, now);
        self.chronicle.rdp(connection, handshake, unusual);
        match handshake {
            rdp::Handshake::Request { cookie, .. } => {
                let hour = hour_of_week(now.seconds(), self.world.utc_offset());
                if teaches || self.settles(connection, now) {
                    let conversation = self.conversation(connection, now);
                    conversation.hours.get_or_insert_default().learn(hour);
                    if let Some(user) = cookie {
                        conversation.learn_user(user);
                    }
                }
            }
            rdp::Handshake::Confirm { .. } => {
                self.world.host(connection.server.ip, now).serves_rdp = true;
                // Desktops stay open for days: the pair is usual from the answer on, not from its end.
                if teaches && !self.world.knows(connection) {
                    self.teach(connection, now);
                }
            }
        }
    }

    /// A device said something about itself; `true` where that is new. What changed is judged before it is remembered.
    pub fn learn_fact(&mut self, ip: IpAddr, asset: &Asset, protocol: &str, now: Time) -> bool {
        let (old, new) = self.world.host(ip, now).state(asset.field, &asset.value, protocol, now);
        if new {
            let change =
                Change { host: ip, field: asset.field, old: old.as_ref(), new: &asset.value, protocol };
            self.happen(&Happening::Asset(&change), now);
        }
        new
    }

    /// Adds to a conversation what its connection carried since the last time.
    pub fn credit(&mut self, connection: &mut Connection, now: Time) {
        let carried = connection.legs.map(|leg| leg.bytes);
        let told = std::mem::replace(&mut connection.credited, carried);
        connection.credited_at = now;
        if carried == told {
            return;
        }
        self.flow_out(connection, net_up(carried, told), now);
        let conversation = self.conversation(connection, now);
        for ((sum, carried), told) in conversation.bytes.iter_mut().zip(carried).zip(told) {
            *sum = sum.saturating_add(carried.saturating_sub(told));
        }
    }

    /// So many bytes left the site. Of hosts whose days are not judged nothing is kept.
    fn flow_out(&mut self, connection: &Connection, bytes: u64, now: Time) {
        let client = connection.client.ip;
        if !self.world.is_external(connection.server.ip) || self.world.keeps_data(client).is_none() {
            return;
        }
        let teaches = self.teaches(connection, Action::Session, now) || self.settles(connection, now);
        let baseline = self.world.baseline(client);
        if let Some(host) = self.world.hosts.of_mut(baseline) {
            host.outflow.get_or_insert_default().add(now, bytes, teaches);
        }
        if self.world.kind(client) == Kind::Ot {
            self.conversation(connection, now).outflow.get_or_insert_default().add(now, bytes, teaches);
        }
    }

    /// A connection is over.
    pub fn learn_closed(&mut self, connection: &Connection, now: Time) {
        let unusual = self.is_unusual(connection, now);
        self.chronicle.closed(connection, unusual);
        if connection.is_sitting()
            && (self.teaches(connection, Action::Session, now) || self.settles(connection, now))
        {
            let seconds = connection.lasted().as_secs_f64();
            self.conversation(connection, now).durations.get_or_insert_default().learn(seconds);
        }
        self.learn_volume(connection, now);
    }

    /// So much passed, in a connection that is over or in an hour of one that goes on.
    pub fn learn_volume(&mut self, connection: &Connection, now: Time) {
        let teaches = self.teaches(connection, Action::Session, now) || self.settles(connection, now);
        let ([up, down], _) = connection.volume();
        let failed = matches!(
            connection.state,
            ConnectionState::Refused | ConnectionState::Unanswered | ConnectionState::OneSided
        );
        if !teaches || failed {
            return;
        }
        // What a session's transport carries is learned with the session.
        if !connection.is_lent() {
            let [a, b] = &mut self.conversation(connection, now).volumes;
            a.learn(up as f64);
            b.learn(down as f64);
        }
        self.teach(connection, now);
    }
}
