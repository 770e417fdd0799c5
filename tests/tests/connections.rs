//! Connections as the engine tells them, from frames.

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::{Observer, Silent};
use isthmus::source::replay::ReplayOptions;
use isthmus::source::{FlowEvent, Record};
use isthmus::state::SiteAddr;
use isthmus::state::address::words;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::state::{ConnectionState, World};
use isthmus::time::Time;
use isthmus_tests::conversation::{Frame, From, HOUR, MIN, Options, SEC, Session};
use isthmus_tests::evaluation::analyse_with;
use isthmus_tests::scenario::Plant;
use sensor_ebpf::flow::{FlowKey, Transport};
use sensor_ebpf::record::Reason;

#[derive(Default)]
struct Told(Vec<(String, ConnectionState)>);

impl Observer for Told {
    fn connection(&mut self, connection: &Connection, _: Time) {
        self.0.push((connection.client.ip.to_string(), connection.state));
    }
}

/// One visit from the same port, with a request and an answer.
fn visit(at_ns: u64, number: u32) -> Vec<Frame> {
    let plant = Plant::new();
    let (client, server) = (plant.office[0], plant.internet[0]);
    let (a, b) = (client.side_towards(&server, 50_000), server.side_towards(&client, 443));
    let mut session = Session::new(a, b, at_ns, (number * 1_000_000, number * 7_000_000), Options::default());
    session.open();
    session.send(From::Client, b"a request");
    session.send(From::Server, &[7; 4000]);
    session.close(From::Client);
    session.take()
}

#[test]
fn a_connection_first_told_of_by_a_sweep_is_its_servers_whichever_direction_comes_first() {
    let plant = Plant::new();
    let (client, server) = (SiteAddr::from(plant.office[0].ip), SiteAddr::from(plant.wincc.ip));
    for down_first in [false, true] {
        let mut engine =
            Engine::new(Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default()));
        let at = Time(1_773_234_000 * SEC);
        let swept = |src: (SiteAddr, u16), dst: (SiteAddr, u16), n| FlowEvent {
            at,
            key: FlowKey {
                src: words(src.0),
                dst: words(dst.0),
                sport: src.1,
                dport: dst.1,
                place: (Transport::Tcp as u32) << 28,
            },
            reason: Reason::Swept,
            packets: n,
            bytes: n * 100,
            last: at,
            // All there were, the handshake's among them; of no packet now.
            flags: 0x1a,
            packet_flags: 0,
            notes: 0,
            tcp_seq: 0,
            macs: None,
        };
        let mut told =
            [swept((client, 55_685), (server, 3389), 10), swept((server, 3389), (client, 55_685), 20)];
        if down_first {
            told.reverse();
        }
        for event in told {
            engine.record(Record::Flow(event), &mut Silent);
        }
        engine.finish(&mut Silent);
        let known: Vec<_> =
            engine.mind.world.conversations.iter().map(|(key, c)| (key.port, c.bytes)).collect();
        assert_eq!(known, [(3389, [1000, 2000])], "down first: {down_first}");
    }
}

#[test]
fn ports_used_again_after_hours_make_a_new_connection() {
    for sets in [1 << 12, 1] {
        three_visits_are_three_connections(sets);
    }
}

/// With one set, every flow soon loses its entry to another, and its last report comes when the engine forgot it.
fn three_visits_are_three_connections(sets: u32) {
    let start = 1_773_234_000 * SEC;
    let mut frames = Vec::new();
    for (number, hours) in [(1, 0), (2, 3), (3, 7)] {
        frames.extend(visit(start + hours * HOUR, number));
    }
    // Somebody else keeps time going to the end, from another port each half hour.
    let plant = Plant::new();
    let other = (plant.office[1], plant.internet[1]);
    for n in 1..20_u16 {
        let a = other.0.side_towards(&other.1, 51_000 + n);
        let b = other.1.side_towards(&other.0, 443);
        frames.push(a.datagram(&b, start + u64::from(n) * 30 * MIN, b"x"));
    }
    frames.sort_by_key(|frame| frame.at_ns);
    let mut engine =
        Engine::new(Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default()));
    let mut told = Told::default();
    let options = ReplayOptions { sets, ..ReplayOptions::default() };
    analyse_with(&mut engine, frames.into_iter(), &mut told, options).expect("frames from memory");
    let client = plant.office[0].ip.to_string();
    let visits: Vec<_> = told.0.into_iter().filter(|(_, state)| *state != ConnectionState::Unknown).collect();
    assert_eq!(visits, vec![(client, ConnectionState::Closed); 3], "{sets} sets");
}
