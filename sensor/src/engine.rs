//! One loop, in record time: records and ticks in, findings and incidents out. No clock, no I/O, no randomness.

mod about;
mod content;
mod desktops;
mod neighbours;
mod streams;

use std::collections::VecDeque;
use std::time::Duration;

use desktops::{Desktops, judge_volume};
use hashlink::LruCache;
use sensor_ebpf::flow::Transport;
use sensor_ebpf::record::Reason;
use sensor_ebpf::wire::transport::flag;

use crate::detect::Happening;
use crate::mind::Mind;
use crate::observer::Observer;
use crate::protocol::Event;
use crate::source::{FlowEvent, Record, Wish};
use crate::state::ConnectionState;
use crate::state::address::{is_unicast, site_prefix};
use crate::state::connection::{Connection, Link, Pair, ends, listed};
use crate::state::hoard::Hoard;
use crate::state::{SiteMac, World};
use crate::time::Time;

/// How long a server may take to answer a SYN.
const ANSWER: Duration = Duration::from_secs(10);
/// How often a conversation is told what a connection that goes on has carried: its volume is known without waiting for
/// an end that may be weeks away.
const CREDIT: Duration = Duration::from_secs(60);
/// A connection without packets for this long is over.
const IDLE: Duration = Duration::from_secs(900);

/// Times of the flow cache's entries are this coarse at most: a tick of the slowest kernel, and a calibration's error.
const CLOCK: Duration = Duration::from_millis(20);

/// What the engine counts of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Records of flows, frames, storms, losses, ticks.
    pub records: [u64; 5],
    /// Records that were lost on the way here.
    pub lost: u64,
    /// Connections forgotten for lack of room.
    pub evicted: u64,
    /// Holes in streams that were not filled.
    pub gaps: u64,
    /// Segments whose bytes differ from those that came before in the same place.
    pub overlaps: u64,
}

/// The analysis.
pub struct Engine {
    /// What it thinks.
    pub mind: Mind,
    connections: LruCache<Pair, Connection>,
    /// SYNs that wait for an answer, in order of their deadline.
    waiting: VecDeque<(Time, Pair, Time)>,
    /// Streams with a hole, in order of when it will be given up.
    holes: VecDeque<(Time, Pair)>,
    /// What streams and decoders keep.
    hoard: Hoard,
    /// Sessions of remote desktops.
    desktops: Desktops,
    /// What one frame says; kept for its memory.
    events: Vec<Event>,
    wishes: Vec<Wish>,
    now: Time,
    last_loss: Option<Time>,
    /// What it counts.
    pub tallies: Tallies,
}

impl Engine {
    /// An engine that starts from what `mind` knows.
    pub fn new(mind: Mind) -> Self {
        let capacity = mind.world.settings.max_connections;
        let stream_bytes = mind.world.settings.max_stream_bytes;
        Self {
            mind,
            connections: LruCache::new(capacity.max(1)),
            waiting: VecDeque::new(),
            holes: VecDeque::new(),
            hoard: Hoard::new(stream_bytes, capacity),
            desktops: Desktops::default(),
            events: Vec::new(),
            wishes: Vec::new(),
            now: Time::default(),
            last_loss: None,
            tallies: Tallies::default(),
        }
    }

    /// Record time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Connections tracked now.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// What the packet path should do differently.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Takes in one record.
    pub fn record(&mut self, record: Record<'_>, observer: &mut dyn Observer) {
        let (kind, at) = match &record {
            Record::Flow(event) => (0, event.at),
            Record::Frame(event) => (1, event.at),
            Record::Storm(storm) => (2, storm.at),
            Record::Loss(loss) => (3, loss.at),
            Record::Tick(at) => (4, *at),
        };
        if let Some(n) = self.tallies.records.get_mut(kind) {
            *n = n.saturating_add(1);
        }
        self.now = self.now.max(at);
        self.mind.advance(self.now);
        if let Record::Flow(_) | Record::Frame(_) = &record {
            self.mind.world.heard = self.now;
        }
        match record {
            Record::Flow(event) => self.flow(&event, observer),
            Record::Frame(event) => self.frame(&event, observer),
            Record::Storm(storm) => self.mind.happen(&Happening::Storm(&storm), self.now),
            Record::Loss(loss) => {
                self.tallies.lost = self.tallies.lost.saturating_add(loss.records);
                self.last_loss = Some(self.now);
                self.mind.happen(&Happening::Loss, self.now);
            }
            Record::Tick(_) => self.tick(observer),
        }
        self.mind.settle(observer);
    }

    /// The input is over: what is open is told as it stands. Nothing is closed.
    pub fn finish(&mut self, observer: &mut dyn Observer) {
        self.give_up_holes(observer);
        for (_, connection) in self.connections.iter_mut() {
            if !connection.settled {
                let last = connection.last;
                connection.as_it_turned_out(|connection| {
                    self.mind.credit(connection, last);
                    observer.connection(connection, self.now);
                });
            }
        }
        self.mind.settle(observer);
        self.mind.finish(observer);
    }

    fn flow(&mut self, event: &FlowEvent, observer: &mut dyn Observer) {
        let now = self.now;
        let segments = &self.mind.world.segments;
        let link = Link::of(&event.key, segments);
        let pair = Pair::of(&event.key, segments);
        let (source, destination) = match link {
            Some(link) => {
                let [source, destination] = link.site_macs().map(|mac| self.mind.world.device(mac));
                // Only protocols that are known make connections; a frame from a group is nobody's.
                if listed(Transport::Ethernet, event.key.dport).is_none() || !is_unicast(source) {
                    return;
                }
                (source, destination)
            }
            None => {
                let (source, destination) = ends(&event.key, segments);
                (source.ip, destination.ip)
            }
        };
        let mac = match (link, event.macs) {
            (Some(Link { macs: [source, _], .. }), _) | (None, Some((source, _))) => Some(source),
            (None, None) => None,
        };
        if let Some(mac) = mac {
            let mac = SiteMac { mac, segment: segments.of_link(&event.key) };
            if link.is_some() {
                self.mind.world.note_link(mac, now);
            } else if self.mind.world.note_packet(source, mac, now) {
                self.took_back(source, mac, &event.key);
            }
        }
        // Two public addresses of one prefix that talk to each other are a plant that numbers its inside so.
        if site_prefix(source) == site_prefix(destination) && is_unicast(destination) {
            self.mind.world.zones.note_local(source);
        }
        if event.packets > 0 {
            self.mind.world.host(source, now);
            self.mind.note_received(destination);
        }
        if self.is_stale(&pair, event) {
            return;
        }
        if self.connections.peek(&pair).is_some_and(|connection| connection.is_over_for(event))
            && let Some(mut old) = self.connections.remove(&pair)
        {
            self.hoard.note(pair, 0);
            Self::close(&mut old, &mut self.mind, now, observer);
        }
        self.open(pair, event, observer);
        if event.key.transport() == Transport::Udp {
            self.lend(&pair, event);
        }
        let Some(connection) = self.connections.get_mut(&pair) else { return };
        connection.begin(event);
        let before = connection.state;
        connection.state = connection.account(event);
        let after = connection.state;
        if !connection.heard && connection.is_heard() {
            self.mind.hear(connection);
        }
        if matches!(before, ConnectionState::Unanswered | ConnectionState::OneSided) && before != after {
            // The answer came late after all: how it goes on will be told again.
            connection.settled = false;
        }
        if before != after && after == ConnectionState::Refused {
            self.mind.happen(&Happening::Failed(connection), now);
            self.mind.learn_failed(connection, now);
        }
        if before == ConnectionState::Unknown
            && matches!(
                after,
                ConnectionState::Established | ConnectionState::Reset | ConnectionState::Closed
            )
        {
            self.mind.happen(&Happening::Established(connection), now);
        }
        connection.as_it_turned_out(|connection| {
            if now.since(connection.credited_at) >= CREDIT {
                self.mind.credit(connection, now);
                if connection.is_desktop() {
                    self.mind.happen(&Happening::Lasts(connection), now);
                }
            }
            if connection.part_is_full(now) {
                self.mind.happen(&Happening::Volume(connection), now);
                self.mind.learn_volume(connection, now);
                connection.next_part(now);
            }
            judge_volume(connection, &mut self.mind, now);
        });
        if matches!(after, ConnectionState::Reset | ConnectionState::Closed | ConnectionState::Refused)
            && !connection.settled
        {
            connection.settled = true;
            Self::close_told(connection, &mut self.mind, now, observer);
        }
    }

    /// Whether a report tells of a connection that is gone: an entry of the flow cache outlives what the engine remembers, and
    /// its last report comes when another flow, or the next connection on the same ports, takes its place.
    fn is_stale(&self, pair: &Pair, event: &FlowEvent) -> bool {
        if event.reason == Reason::Opened {
            return false;
        }
        match self.connections.peek(pair) {
            Some(connection) => event.last.plus(CLOCK) < connection.opened,
            None => event.packets == 0,
        }
    }

    /// The connection of a record, made if this is its first.
    fn open(&mut self, pair: Pair, event: &FlowEvent, observer: &mut dyn Observer) {
        if self.connections.peek(&pair).is_some() {
            return;
        }
        if self.connections.len() >= self.connections.capacity() {
            self.tallies.evicted = self.tallies.evicted.saturating_add(1);
            if let Some((pair, mut old)) = self.connections.remove_lru() {
                self.hoard.note(pair, 0);
                Self::close(&mut old, &mut self.mind, self.now, observer);
            }
        }
        // What is told first of a connection that goes on, by a sensor that was started or forgot it, may be a sweep's report, or
        // that of an entry that made room: it has no packet of its own, which is not a packet without flags (a scan's).
        let goes_on = matches!(event.reason, Reason::Swept | Reason::Replaced) && event.flags != 0;
        let flags = if goes_on { flag::ACK } else { event.packet_flags };
        let mut connection = Connection::new(&event.key, event.at, flags, &self.mind.world.segments);
        connection.name_ends(|mac| self.mind.world.device(mac));
        self.mind.happen(&Happening::Opened(&connection), self.now);
        self.mind.learn_opened(&connection, self.now);
        if connection.from_start {
            self.waiting.push_back((connection.opened.plus(ANSWER), pair, connection.opened));
        }
        self.connections.insert(pair, connection);
    }

    fn tick(&mut self, observer: &mut dyn Observer) {
        let now = self.now;
        while let Some((deadline, pair, opened)) = self.waiting.front().copied() {
            if deadline > now {
                break;
            }
            self.waiting.pop_front();
            let Some(connection) = self.connections.peek_mut(&pair) else { continue };
            let [_, server] = &connection.legs;
            if connection.opened != opened
                || connection.state != ConnectionState::Unknown
                || server.packets > 0
            {
                continue;
            }
            // Records lost since then may have held the answer.
            if self.last_loss.is_some_and(|lost| lost >= opened) {
                continue;
            }
            let returns = self.mind.world.hosts.get(&connection.client.ip).is_some_and(|host| host.received);
            connection.state = if returns { ConnectionState::Unanswered } else { ConnectionState::OneSided };
            if returns {
                self.mind.happen(&Happening::Failed(connection), now);
                self.mind.learn_failed(connection, now);
            }
            connection.settled = true;
            observer.connection(connection, now);
        }
        while self.holes.front().is_some_and(|(due, _)| *due <= now) {
            self.give_up_hole(observer);
        }
        // Least recently used first: the first that is not idle ends the walk.
        while self.connections.iter().next().is_some_and(|(_, connection)| now.since(connection.last) > IDLE)
        {
            if let Some((pair, mut connection)) = self.connections.remove_lru() {
                self.hoard.note(pair, 0);
                Self::close(&mut connection, &mut self.mind, now, observer);
            }
        }
        self.mind.tick(now, observer);
    }

    fn close(connection: &mut Connection, mind: &mut Mind, now: Time, observer: &mut dyn Observer) {
        if !connection.settled {
            connection.settled = true;
            Self::close_told(connection, mind, now, observer);
        }
    }

    fn close_told(connection: &mut Connection, mind: &mut Mind, now: Time, observer: &mut dyn Observer) {
        connection.as_it_turned_out(|connection| {
            mind.happen(&Happening::Volume(connection), now);
            mind.happen(&Happening::Closed(connection), now);
            mind.credit(connection, now);
            mind.learn_closed(connection, now);
            observer.connection(connection, now);
        });
    }

    /// What is known.
    pub fn world(&self) -> &World {
        &self.mind.world
    }
}
