//! What belongs to a remote desktop's session beside its TCP connection: its transports over UDP (MS-RDPBCGR 1.3.1.1,
//! MS-RDPEUDP), which carry most of what a session moves. Their bytes are judged and learned as the session's.

use hashlink::LruCache;
use sensor_ebpf::flow::Transport;

use super::Engine;
use crate::detect::Happening;
use crate::mind::Mind;
use crate::source::FlowEvent;
use crate::state::SiteAddr;
use crate::state::connection::{Connection, End, Pair, index};
use crate::time::Time;

/// Sessions remembered; the one opened longest ago makes room, and what its transports carry is then judged by itself.
const MAX: usize = 4096;

/// The TCP connection of a client's latest session with a server.
pub(super) struct Desktops {
    sessions: LruCache<(SiteAddr, End), Pair>,
    /// Sessions that had to make room.
    evicted: u64,
}

impl Default for Desktops {
    fn default() -> Self {
        Self { sessions: LruCache::new(MAX), evicted: 0 }
    }
}

impl Desktops {
    /// Notes a connection whose content is RDP.
    pub(super) fn note(&mut self, connection: &Connection) {
        if connection.transport != Transport::Tcp {
            return;
        }
        let of = (connection.client.ip, connection.server);
        if self.sessions.len() >= MAX && self.sessions.peek(&of).is_none() {
            self.evicted = self.evicted.saturating_add(1);
        }
        self.sessions.insert(of, connection.pair());
    }
}

impl Engine {
    /// Remote desktops forgotten for lack of room.
    pub const fn desktops_evicted(&self) -> u64 {
        self.desktops.evicted
    }

    /// Before a report of a UDP flow is added to its connection: where that carries a session for a TCP connection, it is
    /// told to the latter, with all that was not yet.
    pub(super) fn lend(&mut self, pair: &Pair, event: &FlowEvent) {
        let now = self.now;
        let Some(connection) = self.connections.peek(pair).filter(|connection| connection.is_desktop())
        else {
            return;
        };
        let Some(session) = self.desktops.sessions.peek(&(connection.client.ip, connection.server)).copied()
        else {
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

#[cfg(test)]
mod tests {
    use sensor_ebpf::flow::FlowKey;

    use super::*;
    use crate::state::address::words;
    use crate::state::segments::Segments;

    #[test]
    fn the_oldest_session_makes_room_and_is_counted() {
        let mut desktops = Desktops::default();
        for n in 0..MAX as u32 + 3 {
            let client = words(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
            let server = words(SiteAddr::from([10, 20, 0, 5]));
            let key = FlowKey { src: client, dst: server, sport: 50_000, dport: 3389, place: 1 << 28 };
            for _ in 0..2 {
                desktops.note(&Connection::new(&key, Time::default(), 0x02, &Segments::default()));
            }
        }
        assert_eq!((desktops.sessions.len(), desktops.evicted), (MAX, 3));
    }
}
