//! The whole analysis on a real interface: what the engine makes of what passes a cable between two network namespaces.

mod support;

use std::time::{Duration, Instant};

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::protocol::{Command, Side};
use isthmus::source::Source as _;
use isthmus::source::live::Live;
use isthmus::state::connection::{Connection, End};
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::state::{ConnectionState, World};
use isthmus::time::Time;
use isthmus_tests::conversation::{From, Options, SEC, Session};
use isthmus_tests::payload::modbus;
use isthmus_tests::scenario::Plant;
use isthmus_tests::wire::Interface;
use sensor_ebpf::counters::Counter;
use support::{Cable, options};

/// What was told of connections: ends, state, packets of each direction.
#[derive(Default)]
struct Connections(Vec<(End, End, ConnectionState, [u64; 2])>);

impl Observer for Connections {
    fn connection(&mut self, connection: &Connection, _: Time) {
        let packets = connection.legs.map(|leg| leg.packets);
        self.0.push((connection.client, connection.server, connection.state, packets));
    }
}

#[test]
#[ignore = "needs root"]
fn request_and_reply_on_two_interfaces_and_vlans_are_one_connection() {
    let cable = Cable::new();
    cable.second();
    let plant = Plant::new();
    let (client, server) = (plant.jump, plant.wincc);
    let (a, b) = (client.side_towards(&server, 50_000), server.side_towards(&client, 3389));
    assert!(a.leg != b.leg && a.vlan != b.vlan, "not routed");
    let mut session = Session::new(a, b, SEC, (1, 2), Options::default());
    session.open();
    session.send(From::Client, b"a request");
    session.send(From::Server, &[7; 4000]);
    session.close(From::Client);
    let frames = session.take();
    let sent = [a.leg, b.leg].map(|leg| frames.iter().filter(|frame| frame.leg == leg).count() as u64);
    Cable::inside(&cable.plant(), || {
        let mut live = Live::open(&options(&["port0", "port1"])).expect("attach");
        let mut engine =
            Engine::new(Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default()));
        let mut told = Connections::default();
        Cable::inside(&cable.office(), || {
            let far = ["far0", "far1"].map(|name| Interface::open(name).expect("open"));
            for frame in &frames {
                far[usize::from(frame.leg)].send(std::slice::from_ref(&frame.bytes)).expect("send");
            }
        });
        // A sweep comes round in ten seconds.
        let end = Instant::now() + Duration::from_millis(11_500);
        while Instant::now() < end {
            live.poll(&mut |record| engine.record(record, &mut told)).expect("poll");
        }
        engine.finish(&mut told);
        let end = |ip: std::net::Ipv4Addr, port| End { ip: ip.into(), port };
        let (client, server) = (end(client.ip, 50_000), end(server.ip, 3389));
        // Told when it closes; what the sweep read after that is no second connection.
        let [(from, to, state, packets)] = told.0[..] else { panic!("{:?}", told.0) };
        assert_eq!((from, to, state), (client, server, ConnectionState::Closed));
        assert!(
            packets[0] > 0 && packets[1] > 0 && packets[0] <= sent[0] && packets[1] <= sent[1],
            "{packets:?} of {sent:?}"
        );
        assert_eq!(live.counters()[Counter::Packets as usize], sent[0] + sent[1]);
    });
}

/// Requests and answers, by direction.
#[derive(Default)]
struct Messages([u64; 2]);

impl Observer for Messages {
    fn command(&mut self, _: &Connection, _: &Command, sender: Side, _: Time) {
        let [requests, answers] = &mut self.0;
        *(if sender == Side::Client { requests } else { answers }) += 1;
    }
}

#[test]
#[ignore = "needs root"]
fn content_on_a_port_nobody_knows_is_whole_from_the_first_message_on() {
    const MESSAGES: u64 = 500;
    let cable = Cable::new();
    let plant = Plant::new();
    let (client, server) = (plant.office[0], plant.ot()[0]);
    let (a, b) = (client.side_towards(&server, 50_000), server.side_towards(&client, 17_171));
    let mut session = Session::new(a, b, 0, (1, 2), Options::default());
    session.open();
    for n in 0..MESSAGES {
        session.send(From::Client, &modbus::read_holding(n as u16, 1, 0, 100));
        session.send(From::Server, &modbus::registers(n as u16, 1, &[7; 100]));
    }
    let frames: Vec<Vec<u8>> = session.take().into_iter().map(|frame| frame.bytes).collect();
    let (ready, go) = std::sync::mpsc::channel();
    let got = std::thread::scope(|scope| {
        let (inside, office) = (cable.plant(), cable.office());
        let watching = scope.spawn(move || {
            Cable::inside(&inside, || {
                let mut live = Live::open(&options(&["port0"])).expect("attach");
                let world = World::new(Settings::default(), Zones::default());
                let mut engine = Engine::new(Mind::new(world, Incidents::default()));
                let mut messages = Messages::default();
                ready.send(()).expect("channel");
                let end = Instant::now() + Duration::from_secs(4);
                while Instant::now() < end {
                    assert!(live.poll(&mut |record| engine.record(record, &mut messages)).expect("poll"));
                    live.apply(&engine.take_wishes());
                }
                messages.0
            })
        });
        go.recv().expect("attached");
        // Attaching is news to flows too; the next news may come a tenth of a second later.
        std::thread::sleep(Duration::from_millis(200));
        Cable::inside(&office, || {
            let far = Interface::open("far0").expect("cable");
            // A message each half millisecond or so: the whole lasts a few tenths of a second.
            for few in frames.chunks(4) {
                far.send(few).expect("send");
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        watching.join().expect("watcher")
    });
    assert_eq!(got, [MESSAGES; 2]);
}
