//! Connections as the engine tells them, from frames.

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::source::replay::ReplayOptions;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::state::{ConnectionState, World};
use isthmus::time::Time;
use isthmus_tests::conversation::{Frame, From, HOUR, MIN, Options, SEC, Session};
use isthmus_tests::evaluation::analyse_with;
use isthmus_tests::scenario::Plant;

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
