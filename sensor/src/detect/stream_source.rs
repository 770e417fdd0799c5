//! Two devices that send one stream of process data.

use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::{Action, Direction, Port};
use crate::state::address::{mac_of, mac_text};
use crate::state::{Segment, SiteAddr};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "stream_source",
    title: "Second source of a process data stream",
    summary: "A GOOSE or sampled-values stream that one device sends comes from another one too, while the first is still there: receivers believe whichever counts higher, so that a forged state trips breakers. A device that was replaced is silent before its successor sends, and redundant networks keep the sender's MAC.",
    techniques: &["T0856", "T0830"],
    severity: Severity::Critical,
    build: || Box::new(Model::default()),
};

/// A sender that was silent for so long is gone: GOOSE repeats itself every few seconds at least.
const GONE: Duration = Duration::from_secs(60);
/// Streams remembered; the one used longest ago goes first.
const MAX_STREAMS: usize = 4096;

struct Model {
    /// By protocol, name and where it passes: whose it is. Cells built alike name their streams alike.
    streams: LruCache<(&'static str, Box<str>, Segment), SiteAddr>,
}

impl Default for Model {
    fn default() -> Self {
        Self { streams: LruCache::new(MAX_STREAMS) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::NONE.commands(&[Action::Session, Action::Write])
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, _) = happening else { return };
        let Some(protocol) = connection.protocol.filter(|_| command.direction == Direction::Notification)
        else {
            return;
        };
        if !matches!(connection.port(), Some(Port::EtherType(0x88b8 | 0x88ba))) {
            return;
        }
        // The name of the stream stands first in what it is about.
        let Some(stream) = command.object.as_deref().and_then(|object| object.split(' ').next()) else {
            return;
        };
        let sender = connection.client.ip;
        let owner = *self.streams.entry((protocol.name, stream.into(), connection.segment)).or_insert(sender);
        if owner == sender {
            return;
        }
        let now = context.now;
        let present = context.world.hosts.get(&owner).is_some_and(|host| now.since(host.last) < GONE);
        if !present {
            self.streams.insert((protocol.name, stream.into(), connection.segment), sender);
            return;
        }
        let name = |ip: SiteAddr| mac_of(ip).map_or_else(|| ip.to_string(), mac_text);
        let draft = Draft::new(&SPEC, connection, now)
            .same(format!("{} {stream}", protocol.name))
            .stage(Stage::Impact)
            .target(owner, 0)
            .summary(format!(
                "{} sends {} stream {stream} ({}), which is {}'s, who is still there",
                name(sender),
                protocol.title,
                command.name,
                name(owner)
            ))
            .fact("stream", stream);
        findings.raise(draft, context.world);
    }
}

#[cfg(test)]
mod tests {
    use sensor_ebpf::flow::{FlowKey, Transport};

    use super::*;
    use crate::protocol::{Function, Side, by_name};
    use crate::state::World;
    use crate::state::connection::Connection;
    use crate::state::segments::Segments;
    use crate::state::world::Settings;
    use crate::state::zone::Zones;
    use crate::time::Time;

    fn publisher(last: u8) -> Connection {
        let word = |mac: [u8; 6]| {
            let [a, b, c, d, e, f] = mac;
            u64::from_ne_bytes([0, 0, a, b, c, d, e, f])
        };
        let key = FlowKey {
            src: [0, word([0, 1, 2, 3, 4, last])],
            dst: [0, word([1, 0x0c, 0xcd, 1, 0, 1])],
            sport: 0x3001,
            dport: 0x88b8,
            place: (Transport::Ethernet as u32) << 28,
        };
        let mut connection = Connection::new(&key, Time(0), 0, &Segments::default());
        connection.protocol = by_name("goose");
        connection
    }

    /// How many findings there are when each of these publishers changes the state of one stream, then and then.
    fn found(said: &[(u8, u64)]) -> usize {
        let mut world = World::new(Settings::default(), Zones::default());
        let (mut model, mut findings) = (Model::default(), Findings::new(0));
        for (last, second) in said {
            let connection = publisher(*last);
            let now = Time(second * Time::SECOND);
            let command = Function::new(Action::Write, 1, "1", "state change")
                .command(Direction::Notification)
                .with_object(Some("LD0/LLN0$GO$gcb state 1 to 2".into()));
            let happening = Happening::Command(&connection, &command, Side::Client);
            model.on(&happening, &mut Context { now, world: &mut world }, &mut findings);
            world.host(connection.client.ip, now);
        }
        findings.take().0.len()
    }

    #[test]
    fn a_second_sender_of_a_stream_is_found() {
        assert_eq!(found(&[(1, 0), (1, 10), (2, 11), (2, 12)]), 1);
    }

    #[test]
    fn one_sender_and_a_replaced_device_are_none() {
        assert_eq!(found(&[(1, 0), (1, 10), (1, 11)]), 0);
        assert_eq!(found(&[(1, 0), (2, 600), (2, 601)]), 0);
    }
}
