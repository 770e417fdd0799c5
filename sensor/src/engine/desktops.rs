//! What belongs to a remote desktop's session beside its TCP connection: its transports over UDP (MS-RDPBCGR 1.3.1.1,
//! MS-RDPEUDP), which carry most of what a session moves. Their bytes are judged and learned as the session's.

use std::net::IpAddr;

use hashlink::LruCache;
use sensor_ebpf::flow::Transport;

use super::Engine;
use crate::detect::Happening;
use crate::mind::Mind;
use crate::source::FlowEvent;
use crate::state::connection::{Connection, End, Pair, index};
use crate::time::Time;

/// Sessions remembered; the one opened longest ago makes room, and what its transports carry is then judged by itself.
const MAX: usize = 4096;

/// The TCP connection of a client's latest session with a server.
pub(super) struct Desktops(LruCache<(IpAddr, End), Pair>);

impl Default for Desktops {
    fn default() -> Self {
        Self(LruCache::new(MAX))
    }
}

impl Desktops {
    /// Notes a connection whose content is RDP.
    pub(super) fn note(&mut self, connection: &Connection) {
        if connection.transport == Transport::Tcp {
            self.0.insert((connection.client.ip, connection.server), connection.pair());
        }
    }
}

impl Engine {
    /// Before a report of a UDP flow is added to its connection: where that carries a session for a TCP connection, it is
    /// told to the latter, with all that was not yet.
    pub(super) fn lend(&mut self, pair: &Pair, event: &FlowEvent) {
        let now = self.now;
        let Some(connection) = self.connections.peek(pair).filter(|connection| connection.is_desktop())
        else {
            return;
        };
        let Some(session) = self.desktops.0.peek(&(connection.client.ip, connection.server)).copied() else {
            return;
        };
        let side = index(connection.side(&event.key));
        let mut carried = connection.volume().0;
        if let Some(bytes) = carried.get_mut(side) {
            *bytes = bytes.saturating_add(event.bytes);
        }
        let Some(to) = self.connections.peek_mut(&session).filter(|to| to.transport == Transport::Tcp) else {
            return;
        };
        to.last = to.last.max(event.last);
        to.add_aside(carried.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)));
        judge_volume(to, &mut self.mind, now);
        if let Some(from) = self.connections.peek_mut(pair) {
            from.add_aside(carried.map(|bytes| i64::try_from(bytes).map_or(i64::MIN, i64::wrapping_neg)));
        }
    }
}

/// Lets detectors judge what a connection moved where it is worth it again.
pub(super) fn judge_volume(connection: &mut Connection, mind: &mut Mind, now: Time) {
    let bytes = connection.volume().0.into_iter().max().unwrap_or(0);
    if bytes >= connection.volume_mark {
        connection.volume_mark = bytes.saturating_add(bytes / 2);
        mind.happen(&Happening::Volume(connection), now);
    }
}
