//! TCP as an attacker or a bad link makes it, through the whole analysis: order, overlaps, holes, and what all of it may cost.

use isthmus::cli::Dataset;
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::{Gap, Observer, Silent};
use isthmus::output::Sink as _;
use isthmus::output::json::JsonLines;
use isthmus::protocol::{Command, Direction, Malformed, Side};
use isthmus::source::Source as _;
use isthmus::source::capture::Packet;
use isthmus::source::replay::ReplayOptions;
use isthmus::source::replay::frames::Frames;
use isthmus::state::World;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::time::Time;
use isthmus_tests::conversation::{Frame, MS, SEC, Side as End};
use isthmus_tests::packet::tcp::{ACK, PSH, SYN};
use isthmus_tests::payload::modbus;
use isthmus_tests::scenario::{Host, Plant};

const START: u64 = 1_773_234_000 * SEC;
/// Initial sequence numbers of client and server; the client's wraps soon.
const ISN: (u32, u32) = (u32::MAX - 20, 7000);

/// Frames of one connection to a controller's Modbus port, segment by segment.
struct Wire {
    client: End,
    server: End,
    at: u64,
    frames: Vec<Frame>,
}

impl Wire {
    fn new(port: u16, at: u64) -> Self {
        Self::of(&Plant::new().office[0], port, at)
    }

    fn of(client: &Host, port: u16, at: u64) -> Self {
        let plant = Plant::new();
        let server = plant.ot()[0];
        let (client, server) =
            (client.side_towards(&server, port), server.side_towards(client, modbus::PORT));
        Self { client, server, at, frames: Vec::new() }
    }

    fn segment(&mut self, side: Side, seq: u32, ack: u32, flags: u8, payload: &[u8]) {
        let (from, to) = match side {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        let bytes = from
            .packet_to(&to)
            .tcp(from.port, to.port)
            .seq(seq)
            .ack(ack)
            .flags(flags)
            .payload(payload)
            .build_padded();
        self.frames.push(Frame { at_ns: self.at, leg: from.leg, bytes });
        self.at += MS;
    }

    fn open(&mut self) {
        self.segment(Side::Client, ISN.0, 0, SYN, &[]);
        self.segment(Side::Server, ISN.1, ISN.0.wrapping_add(1), SYN | ACK, &[]);
    }

    /// Bytes of the client that begin `at` bytes behind its first.
    fn says(&mut self, at: u32, payload: &[u8]) {
        let seq = ISN.0.wrapping_add(1).wrapping_add(at);
        self.segment(Side::Client, seq, ISN.1 + 1, ACK | PSH, payload);
    }

    /// The server has `acknowledged` bytes of the client, and says something itself.
    fn answers(&mut self, at: u32, acknowledged: u32, payload: &[u8]) {
        let ack = ISN.0.wrapping_add(1).wrapping_add(acknowledged);
        self.segment(Side::Server, ISN.1 + 1 + at, ack, ACK | PSH, payload);
    }
}

#[derive(Default)]
struct Told {
    /// Registers read by requests, in order.
    asked: Vec<String>,
    malformed: Vec<Malformed>,
    gaps: Vec<Gap>,
}

impl Observer for Told {
    fn command(&mut self, _: &Connection, command: &Command, _: Side, _: Time) {
        if command.direction == Direction::Request {
            self.asked.push(command.object.as_ref().map_or(String::new(), ToString::to_string));
        }
    }

    fn malformed(&mut self, _: &Connection, malformed: Malformed, _: Time) {
        self.malformed.push(malformed);
    }

    fn gap(&mut self, _: &Connection, gap: Gap, _: Time) {
        self.gaps.push(gap);
    }
}

fn engine(settings: Settings) -> Engine {
    Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()))
}

/// Analyses frames; after each record `look` may.
fn analyse(
    engine: &mut Engine,
    frames: impl Iterator<Item = Frame>,
    observer: &mut dyn Observer,
    mut look: impl FnMut(&Engine),
) {
    let packets = frames.map(|frame| Packet {
        at: Time(frame.at_ns),
        interface: u32::from(frame.leg),
        wire_len: frame.bytes.len() as u32,
        frame: frame.bytes.into(),
    });
    let mut source = Frames::new(packets, ReplayOptions { sets: 1 << 12, ..ReplayOptions::default() });
    loop {
        let more = source.poll(&mut |record| {
            engine.record(record, observer);
            look(engine);
        });
        source.apply(&engine.take_wishes());
        if !more.expect("frames from memory") {
            return;
        }
    }
}

fn told(wire: Wire) -> (Told, Engine) {
    let (mut engine, mut told) = (engine(Settings::default()), Told::default());
    analyse(&mut engine, wire.frames.into_iter(), &mut told, |_| {});
    engine.finish(&mut told);
    (told, engine)
}

/// A read of one register: twelve bytes.
fn read(register: u16) -> Vec<u8> {
    modbus::read_holding(register, 1, register, 1)
}

/// What requests of these registers are told as.
fn registers(of: &[u16]) -> Vec<String> {
    let mut wire = Wire::new(50_000, START);
    wire.open();
    for (n, register) in (0..).zip(of) {
        wire.says(n * 12, &read(*register));
    }
    told(wire).0.asked
}

#[test]
fn segments_in_any_order_from_the_first_on_are_one_conversation() {
    let expected = registers(&[1, 2, 3]);
    assert_eq!(expected.len(), 3);
    let stream = [read(1), read(2), read(3)].concat();
    // Three segments that cut requests, in every order.
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let cuts = [(0, 9), (9, 25), (25, 36)];
        let mut wire = Wire::new(50_000, START);
        wire.open();
        for n in order {
            let (from, to): (usize, usize) = cuts[n];
            wire.says(from as u32, &stream[from..to]);
        }
        let (told, engine) = told(wire);
        assert_eq!(told.asked, expected, "{order:?}");
        assert_eq!((engine.tallies.gaps, told.malformed.len()), (0, 0), "{order:?}");
    }
}

#[test]
fn of_overlapping_bytes_the_first_win_and_the_conflict_is_told_once_and_counted() {
    let expected = registers(&[1, 2]);
    let mut wire = Wire::new(50_000, START);
    wire.open();
    wire.says(0, &read(1));
    // Another request in the same place, then the rest; a plain repetition is no conflict.
    wire.says(0, &read(9));
    wire.says(0, &read(1));
    wire.says(12, &read(2));
    let (told, engine) = told(wire);
    assert_eq!(told.asked, expected);
    assert_eq!(told.malformed, [Malformed::Overlap]);
    assert_eq!((engine.tallies.overlaps, engine.tallies.gaps), (1, 0));
}

#[test]
fn a_hole_that_the_other_end_acknowledges_is_a_gap_and_decoding_goes_on_at_the_next_request() {
    let expected = registers(&[1, 4]);
    let mut wire = Wire::new(50_000, START);
    wire.open();
    wire.says(0, &read(1));
    // Requests 2 and 3 passed elsewhere.
    wire.says(36, &read(4));
    wire.answers(0, 48, &modbus::registers(1, 1, &[5]));
    let (told, engine) = told(wire);
    assert_eq!(told.asked, expected);
    assert_eq!((told.gaps, engine.tallies.gaps), (vec![Gap::Network], 1));
    assert_eq!(told.malformed, []);
}

#[test]
fn a_gap_stands_in_the_anomalies_and_in_the_line_of_its_connection() {
    let mut wire = Wire::new(50_000, START);
    wire.open();
    wire.says(0, &read(1));
    // The middle of a request is missing, and nobody acknowledges: three seconds are waited.
    wire.says(20, &read(4));
    wire.at += 10 * SEC;
    wire.answers(0, 12, &modbus::registers(1, 1, &[5]));
    let mut out = Vec::new();
    let mut lines = JsonLines::new(&mut out, &[Dataset::Anomaly, Dataset::Connection], "test".to_owned());
    let mut engine = engine(Settings::default());
    analyse(&mut engine, wire.frames.into_iter(), lines.as_observer(), |_| {});
    engine.finish(lines.as_observer());
    drop(lines);
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    let line = |dataset: &str| {
        let dataset = format!("\"dataset\":\"isthmus.{dataset}\"");
        text.lines().find(|line| line.contains(&dataset)).unwrap_or_default().to_owned()
    };
    assert!(
        line("anomaly").contains("\"anomaly\":\"gap\"") && line("anomaly").contains("\"gap\":\"network\""),
        "{text}"
    );
    assert!(line("connection").contains("\"gaps\":1"), "{text}");
}

#[test]
fn a_conversation_joined_in_the_middle_is_read_from_its_next_request_on() {
    let expected = registers(&[2, 3]);
    let mut wire = Wire::new(50_000, START);
    // No SYN; the sensor begins within request 1.
    wire.says(5, &read(1)[5..]);
    wire.says(12, &read(2));
    wire.answers(0, 24, &modbus::registers(2, 1, &[5]));
    wire.says(24, &read(3));
    assert_eq!(told(wire).0.asked, expected);
}

/// Connections that each leave what an engine would have to keep: a hole in front of a kilobyte, or a request that never
/// becomes whole.
fn half_open(n: u64) -> Vec<Frame> {
    let plant = Plant::new();
    let client = plant.office[(n % 4) as usize];
    let mut wire = Wire::of(&client, 20_000 + (n / 4) as u16, START + n * 100_000);
    wire.open();
    if n.is_multiple_of(3) {
        wire.says(0, &[&read(1)[..], &[0, 2, 0, 0, 0, 254, 1, 16]].concat());
    } else {
        wire.says(100, &[7; 1000]);
    }
    wire.frames
}

#[test]
fn half_open_streams_without_end_are_bounded_together_counted_and_hide_nobody() {
    const LIMIT: usize = 256 << 10;
    const FLOOD: u64 = 20_000;
    let mut engine = engine(Settings { max_stream_bytes: LIMIT, ..Settings::default() });
    let mut frames: Vec<Frame> = (0..FLOOD).flat_map(half_open).collect();
    // In the midst of it somebody reads, with segments out of order.
    let mut wire = Wire::of(&Plant::new().office[5], 60_000, START + FLOOD / 2 * 100_000);
    wire.open();
    wire.says(12, &read(2));
    wire.says(0, &read(1));
    frames.extend(wire.frames);
    frames.sort_by_key(|frame| frame.at_ns);
    let (mut most, mut told) = (0, Told::default());
    analyse(&mut engine, frames.into_iter(), &mut told, |engine| most = most.max(engine.kept()));
    assert!(most > LIMIT / 2, "the flood keeps {most} bytes: none");
    assert!(most <= LIMIT, "{most} bytes");
    // What two thousand could keep is a tenth of the flood: the others had to go.
    let gone = engine.hoards_evicted();
    assert!(gone > FLOOD / 2, "{gone} of {FLOOD}");
    let expected = registers(&[1, 2]);
    let found = told.asked.windows(2).filter(|pair| *pair == expected).count();
    assert!(found > 0, "the reader is lost");
    engine.finish(&mut Silent);
    // Holes are given up; the halves of requests wait on.
    assert!(engine.kept() < LIMIT / 10, "{} bytes", engine.kept());
}
