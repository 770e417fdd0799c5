//! What becomes usual: what nobody judges, and what was judged and not found unusual.

use std::time::Duration;

use super::{DAY, Mind};
use crate::chronicle::Towards;
use crate::detect::Happening;
use crate::detect::happening::Change;
use crate::importance::hours::hour_of_week;
use crate::protocol::{Action, Asset, Command, rdp};
use crate::state::SiteAddr;
use crate::state::address::is_unicast;
use crate::state::connection::{Connection, net_up};
use crate::state::conversation::{Conversation, Key};
use crate::state::host::MAX_DRIVEN;
use crate::state::rules::Act;
use crate::state::world::External;
use crate::state::{ConnectionState, Kind, World};
use crate::time::Time;

/// A host that was found acting unusually teaches nothing for this long after.
const SUSPECT: Duration = Duration::from_secs(7 * 86_400);

impl Mind {
    fn is_suspect(&self, ip: SiteAddr, now: Time) -> bool {
        // Asked for every command, and mostly nobody is one.
        !self.suspects.is_empty()
            && self.suspects.peek(&self.world.who(ip)).is_some_and(|last| now.since(*last) < SUSPECT)
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
    pub fn learn_fact(&mut self, ip: SiteAddr, asset: &Asset, protocol: &str, now: Time) -> bool {
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
