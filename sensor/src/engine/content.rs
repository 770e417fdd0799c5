//! What the content of a connection says, told to all who want to know.

use sensor_ebpf::policy::{Class, Endpoint};

use super::{Engine, about};
use crate::detect::Happening;
use crate::mind::Mind;
use crate::observer::Observer;
use crate::protocol::{Event, Side};
use crate::source::Wish;
use crate::state::Connection;
use crate::state::address::words;
use crate::time::Time;

impl Engine {
    /// The content of a connection became known; `side` sent what told it, and `events` is what it told.
    pub(super) fn identified(
        connection: &mut Connection,
        (side, events): (Side, &[Event]),
        mind: &mut Mind,
        wishes: &mut Vec<Wish>,
        now: Time,
    ) {
        let asker = events.iter().find_map(|event| match event {
            Event::Command(command) => Some(connection.asker(command.direction, side)),
            _ => None,
        });
        connection.as_asked_by(asker.unwrap_or(Side::Client), |connection, _| {
            mind.happen(&Happening::Identified(connection), now);
            mind.learn_identified(connection, now);
        });
        // Streams of process data pass thousands of frames a second: the budget of their class stays.
        let cyclic = connection.link.is_some()
            || connection.decoder.as_ref().is_some_and(|decoder| decoder.is_cyclic());
        if !cyclic && connection.protocol.is_some_and(|spec| spec.industrial) {
            let endpoint = Endpoint {
                address: words(connection.server.ip),
                port: connection.server.port,
                transport: connection.transport as u8,
                zero: [0; 5],
            };
            wishes.push(Wish::Verdict(endpoint, Class::Confirmed));
        }
    }

    /// What a side said: detectors judge it, then it is learned.
    pub(super) fn tell(
        connection: &mut Connection,
        side: Side,
        events: &[Event],
        mind: &mut Mind,
        now: Time,
        observer: &mut dyn Observer,
    ) {
        for event in events {
            match event {
                Event::Command(command) => {
                    let asker = connection.asker(command.direction, side);
                    connection.note_asker(asker);
                    connection.as_asked_by(asker, |connection, turned| {
                        let side = if turned { side.other() } else { side };
                        observer.command(connection, command, side, now);
                        mind.happen(&Happening::Command(connection, command, side), now);
                        mind.learn_command(connection, command, now);
                    });
                }
                Event::Rdp(handshake) => {
                    observer.rdp(connection, handshake, now);
                    mind.happen(&Happening::Rdp(connection, handshake), now);
                    mind.learn_rdp(connection, handshake, now);
                }
                Event::Tls(handshake) => {
                    observer.tls(connection, handshake, now);
                    mind.happen(&Happening::Tls(connection, handshake), now);
                }
                Event::Asset(asset) => {
                    let whose =
                        if asset.side == Side::Client { connection.client.ip } else { connection.server.ip };
                    let protocol = connection.protocol.map_or("", |spec| spec.name);
                    if mind.learn_fact(whose, asset, protocol, now) {
                        observer.asset(whose, asset, protocol, now);
                    }
                }
                Event::About(about) => about::learn(connection, about, mind, now, observer),
                Event::Malformed(malformed) => {
                    observer.malformed(connection, *malformed, now);
                    mind.happen(&Happening::Malformed(connection, *malformed, side), now);
                }
            }
        }
    }
}
