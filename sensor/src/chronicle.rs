//! The event log: connections that were not usual, message kinds and all, and failed connections counted by time.
//!
//! Findings say what is unusual; this keeps what happened around them, so that an account can show an intruder's whole
//! path. Only what is not usual is kept, so that a plant's own polling does not push it out, and each client has a share of
//! its own, so that a noisy one does not push out a quiet one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hashlink::LruCache;
use serde::{Deserialize, Serialize};

use crate::protocol::{Action, Command, Direction, Status, rdp};
use crate::state::ConnectionState;
use crate::state::SiteAddr;
use crate::state::changes::Changes;
use crate::state::connection::{Connection, Pair};
use crate::time::Time;

/// Entries kept; the oldest goes first.
const MAX_ENTRIES: usize = 65_536;
/// Entries of one client; more are counted.
const MAX_OF_CLIENT: u64 = 2048;
/// Failed connections are counted by spans of this many seconds.
pub const SPAN_S: u64 = 300;
/// Ends of failed connections listed in one span.
const MAX_ENDS: usize = 256;
/// Ends listed in all spans together.
const MAX_ENDS_IN_ALL: usize = 262_144;

/// One connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// First packet.
    pub opened: Time,
    /// Latest news of it.
    pub last: Time,
    /// Who asked.
    pub client: SiteAddr,
    /// Who was asked.
    pub server: SiteAddr,
    /// The server's port.
    pub port: u16,
    /// `tcp`, `udp`, …
    pub transport: String,
    /// `network.protocol`.
    pub protocol: String,
    /// Whether that is an industrial one.
    pub industrial: bool,
    /// How it went, so far.
    pub state: String,
    /// Bytes client to server, server to client; known when it ends.
    pub bytes: [u64; 2],
    /// Kinds of message the client sent, with how many there were and how many were refused.
    pub actions: BTreeMap<Action, [u64; 2]>,
    /// Who it was opened by, where it says.
    pub user: Option<String>,
}

/// Where failed connections went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Towards {
    /// Outside.
    External,
    /// To an industrial service inside.
    Industrial,
    /// Elsewhere inside.
    Inside,
}

/// Failed connections of one client to one port in one span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// When the span of [`SPAN_S`] begins.
    pub start: Time,
    /// Who asked.
    pub client: SiteAddr,
    /// Where to.
    pub towards: Towards,
    /// Which port; zero where one client tried too many to tell apart.
    pub port: u16,
    /// How many.
    pub n: u64,
    /// How many of them were refused; the rest was not answered.
    pub refused: u64,
    /// Who was asked, as far as listed.
    pub ends: BTreeSet<SiteAddr>,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// One connection.
    Connection(Event),
    /// Failed connections.
    Failures(Failures),
}

impl Entry {
    const fn client(&self) -> SiteAddr {
        match self {
            Self::Connection(event) => event.client,
            Self::Failures(failures) => failures.client,
        }
    }

    /// When there was news of it.
    fn last(&self) -> Time {
        match self {
            Self::Connection(event) => event.last,
            Self::Failures(failures) => failures.start.plus(Duration::from_secs(SPAN_S)),
        }
    }
}

type Span = (SiteAddr, Time, Towards, u16);

/// The log.
pub struct Chronicle {
    entries: BTreeMap<u64, Entry>,
    /// Connections that may go on, by when they were opened.
    open: LruCache<(Pair, Time), u64>,
    spans: LruCache<Span, u64>,
    clients: BTreeMap<SiteAddr, u64>,
    /// Ends listed in all spans together.
    ends: usize,
    next: u64,
    changes: Changes<u64>,
    /// Connections and spans there was no room for, or that had to make room.
    pub evicted: u64,
    /// Entries forgotten for their age.
    pub expired: u64,
}

impl Default for Chronicle {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            open: LruCache::new(MAX_ENTRIES),
            spans: LruCache::new(MAX_ENTRIES),
            clients: BTreeMap::new(),
            ends: 0,
            next: 1,
            changes: Changes::default(),
            evicted: 0,
            expired: 0,
        }
    }
}

impl Chronicle {
    /// Puts a stored entry back. Connections that were open then are not followed on.
    pub fn restore(&mut self, number: u64, entry: Entry) {
        self.make_room();
        let n = self.clients.entry(entry.client()).or_default();
        *n = n.saturating_add(1);
        if let Entry::Failures(f) = &entry {
            self.ends = self.ends.saturating_add(f.ends.len());
            self.spans.insert((f.client, f.start, f.towards, f.port), number);
        }
        self.entries.insert(number, entry);
        self.next = self.next.max(number.saturating_add(1));
    }

    /// An entry.
    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// Entries by number, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = (&u64, &Entry)> {
        self.entries.iter()
    }

    /// Entries changed, or gone, since the last call.
    pub fn take_changes(&mut self) -> Changes<u64> {
        self.changes.take()
    }

    /// Every entry counts as changed.
    pub fn touch_all(&mut self) {
        self.changes.note_all();
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most entries there may be.
    pub const fn capacity(&self) -> usize {
        MAX_ENTRIES
    }

    /// Connections, in the order they were noted.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Connection(event) => Some(event),
            Entry::Failures(_) => None,
        })
    }

    /// Failed connections by span.
    pub fn failures(&self) -> impl Iterator<Item = &Failures> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Failures(failures) => Some(failures),
            Entry::Connection(_) => None,
        })
    }

    fn has_room(&mut self, client: SiteAddr) -> bool {
        if self.clients.get(&client).is_some_and(|n| *n >= MAX_OF_CLIENT) {
            self.evicted = self.evicted.saturating_add(1);
            return false;
        }
        true
    }

    /// The oldest entry goes where there are too many.
    fn make_room(&mut self) {
        if self.entries.len() < MAX_ENTRIES {
            return;
        }
        let Some((number, old)) = self.entries.pop_first() else { return };
        self.evicted = self.evicted.saturating_add(1);
        self.gone(number, &old);
    }

    /// Forgets what last had news before `before`.
    pub fn expire(&mut self, before: Time) {
        for (number, old) in self.entries.extract_if(.., |_, entry| entry.last() < before).collect::<Vec<_>>()
        {
            self.expired = self.expired.saturating_add(1);
            self.gone(number, &old);
        }
    }

    /// An entry is no longer there.
    fn gone(&mut self, number: u64, old: &Entry) {
        self.changes.note(number, MAX_ENTRIES);
        if let Entry::Failures(f) = old {
            self.ends = self.ends.saturating_sub(f.ends.len());
            self.spans.remove(&(f.client, f.start, f.towards, f.port));
        }
        if let Some(n) = self.clients.get_mut(&old.client()) {
            *n = n.saturating_sub(1);
            if *n == 0 {
                self.clients.remove(&old.client());
            }
        }
    }

    fn push(&mut self, entry: Entry) -> u64 {
        self.make_room();
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let n = self.clients.entry(entry.client()).or_default();
        *n = n.saturating_add(1);
        self.entries.insert(number, entry);
        self.changes.note(number, MAX_ENTRIES);
        number
    }

    /// The row of a connection; made if there is none and `unusual` says it is worth one.
    fn row(&mut self, connection: &Connection, unusual: bool) -> Option<&mut Event> {
        let spec = connection.protocol?;
        let key = (connection.pair(), connection.opened);
        let known = self.open.get(&key).copied();
        let number = match known {
            Some(number) => number,
            None if unusual && self.has_room(connection.client.ip) => {
                let number = self.push(Entry::Connection(Event {
                    opened: connection.opened,
                    last: connection.last,
                    client: connection.client.ip,
                    server: connection.server.ip,
                    port: connection.service_port(),
                    transport: connection.transport_name().to_owned(),
                    protocol: spec.name.to_owned(),
                    industrial: spec.industrial,
                    state: connection.state.name().to_owned(),
                    bytes: [0; 2],
                    actions: BTreeMap::new(),
                    user: None,
                }));
                self.open.insert(key, number);
                number
            }
            None => return None,
        };
        self.changes.note(number, MAX_ENTRIES);
        match self.entries.get_mut(&number) {
            Some(Entry::Connection(event)) => {
                event.last = event.last.max(connection.last);
                // A row is told of every command: what it says of the connection is written in place.
                connection.state.name().clone_into(&mut event.state);
                event.bytes = connection.legs.map(|leg| leg.bytes);
                Some(event)
            }
            _ => None,
        }
    }

    /// A message of an industrial protocol.
    pub fn command(&mut self, connection: &Connection, command: &Command, unusual: bool) {
        let Some(event) = self.row(connection, unusual) else { return };
        let [n, refused] = event.actions.entry(command.action).or_default();
        match (command.direction, &command.status) {
            (Direction::Response, Status::Refused(..)) => *refused = refused.saturating_add(1),
            (Direction::Response, _) => {}
            _ => *n = n.saturating_add(1),
        }
    }

    /// A remote desktop was asked for.
    pub fn rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, unusual: bool) {
        let rdp::Handshake::Request { cookie, .. } = handshake else { return };
        if let Some(event) = self.row(connection, unusual) {
            event.user = cookie.as_ref().map(ToString::to_string);
        }
    }

    /// A connection ended.
    pub fn closed(&mut self, connection: &Connection, unusual: bool) {
        self.row(connection, unusual);
        self.open.remove(&(connection.pair(), connection.opened));
    }

    /// A connection was refused, or nobody answered.
    pub fn failed(&mut self, connection: &Connection, towards: Towards) {
        let client = connection.client.ip;
        let start = Time::from_seconds(connection.opened.seconds() / SPAN_S * SPAN_S);
        let span = |port| (client, start, towards, port);
        let known = self.spans.get(&span(connection.service_port())).copied();
        let number = match known {
            Some(number) => number,
            None => {
                // A client that tries port after port gets one row for all further ones.
                let port = if self.has_room(client) { connection.service_port() } else { 0 };
                let known = self.spans.get(&span(port)).copied();
                match known {
                    Some(number) => number,
                    None => {
                        let (n, refused, ends) = (0, 0, BTreeSet::new());
                        let number = self.push(Entry::Failures(Failures {
                            start,
                            client,
                            towards,
                            port,
                            n,
                            refused,
                            ends,
                        }));
                        self.spans.insert(span(port), number);
                        number
                    }
                }
            }
        };
        self.changes.note(number, MAX_ENTRIES);
        if let Some(Entry::Failures(failures)) = self.entries.get_mut(&number) {
            failures.n = failures.n.saturating_add(1);
            let refused = u64::from(connection.state == ConnectionState::Refused);
            failures.refused = failures.refused.saturating_add(refused);
            if failures.ends.len() < MAX_ENDS
                && self.ends < MAX_ENDS_IN_ALL
                && failures.ends.insert(connection.server.ip)
            {
                self.ends = self.ends.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
