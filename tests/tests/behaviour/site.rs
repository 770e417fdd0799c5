//! A small site: hosts on one link, what they say to each other, and the analysis that watches.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use isthmus::config::Config;
use isthmus::detect::finding::Finding;
use isthmus::engine::Engine;
use isthmus::incident::{Incident, Incidents};
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::source::Source as _;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::SiteAddr;
use isthmus::state::World;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::time::Time;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::{Frame, From, Options, SEC, Session, Side};
use isthmus_tests::packet::{ARP_REPLY, ARP_REQUEST, Mac, PacketBuilder};
use isthmus_tests::payload::{modbus, s7};

/// When learning begins: a Monday, 08:00.
pub const START: u64 = 1_767_600_000 * SEC;
/// When judging begins: an hour later.
pub const LATER: u64 = START + 3600 * SEC;

/// The SCADA server of the site.
pub const SCADA: [u8; 4] = [10, 20, 0, 5];
/// A host nobody knows.
pub const STRANGER: [u8; 4] = [10, 10, 0, 66];
/// An office computer that was always there.
pub const OFFICE: [u8; 4] = [10, 10, 0, 7];

/// The n-th controller.
pub fn plc(n: u8) -> [u8; 4] {
    [10, 20, 1, n]
}

pub fn mac(ip: [u8; 4]) -> Mac {
    let [_, b, c, d] = ip;
    Mac([0x02, 0, 0, b, c, d])
}

fn side(ip: [u8; 4], peer: [u8; 4], port: u16) -> Side {
    Side { mac: mac(ip), next_hop: mac(peer), ip: ip.into(), port, vlan: None, leg: 0, ttl: 64 }
}

/// Frames in the making.
#[derive(Default)]
pub struct Tape {
    frames: Vec<Frame>,
    port: u16,
}

impl Tape {
    pub fn new() -> Self {
        Self { frames: Vec::new(), port: 40_000 }
    }

    /// A connection from `client` to `server`, not yet opened.
    pub fn connect(&mut self, client: [u8; 4], server: [u8; 4], port: u16, at: u64) -> Session {
        self.port = if self.port < 60_000 { self.port + 1 } else { 40_000 };
        let (client, server) = (side(client, server, self.port), side(server, client, port));
        Session::new(client, server, at, (1000, 2000), Options::default())
    }

    pub fn add(&mut self, mut session: Session) {
        self.frames.extend(session.take());
    }

    pub fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// A connection with request and answer pairs, `gap` apart, left open.
    pub fn talk(
        &mut self,
        (client, server, port): ([u8; 4], [u8; 4], u16),
        at: u64,
        gap: u64,
        pairs: &[(Vec<u8>, Vec<u8>)],
    ) {
        let mut session = self.connect(client, server, port, at);
        session.open();
        for (request, answer) in pairs {
            session.wait(gap);
            session.send_expecting_answer(From::Client, request);
            session.send(From::Server, answer);
        }
        session.close(From::Client);
        self.add(session);
    }

    /// Datagrams of equal distance between two ports, from either end.
    pub fn datagrams(
        &mut self,
        (client, client_port): ([u8; 4], u16),
        (server, server_port): ([u8; 4], u16),
        at: u64,
        gap: u64,
        payloads: impl IntoIterator<Item = (From, Vec<u8>)>,
    ) {
        let (client, server) = (side(client, server, client_port), side(server, client, server_port));
        for (n, (from, payload)) in (0..).zip(payloads) {
            let (from, to) = if from == From::Client { (client, server) } else { (server, client) };
            self.frames.push(from.datagram(&to, at + n * gap, &payload));
        }
    }

    /// `n` reads of a Modbus server, a second apart.
    pub fn poll(&mut self, client: [u8; 4], server: [u8; 4], at: u64, n: u16) {
        let pairs: Vec<_> = (0..n).map(read).collect();
        self.talk((client, server, 502), at, SEC, &pairs);
    }

    pub fn refused(&mut self, client: [u8; 4], server: [u8; 4], port: u16, at: u64) {
        let mut session = self.connect(client, server, port, at);
        session.refused();
        self.add(session);
    }

    pub fn unanswered(&mut self, client: [u8; 4], server: [u8; 4], port: u16, at: u64) {
        let mut session = self.connect(client, server, port, at);
        session.unanswered(1);
        self.add(session);
    }

    /// A connection that is opened and closed, and nothing said.
    pub fn touch(&mut self, client: [u8; 4], server: [u8; 4], port: u16, at: u64) {
        self.talk((client, server, port), at, SEC, &[]);
    }

    /// An ARP claim: `asked` by a reply to somebody, else gratuitous.
    pub fn claim(&mut self, ip: [u8; 4], of: Mac, gratuitous: bool, at: u64) {
        let other = if gratuitous { ip } else { SCADA };
        let operation = if gratuitous { ARP_REQUEST } else { ARP_REPLY };
        let bytes = PacketBuilder::ethernet(of, Mac::BROADCAST)
            .arp(operation, (of, ip.into()), (Mac::ZERO, other.into()))
            .build_padded();
        self.frames.push(Frame { at_ns: at, leg: 0, bytes });
    }

    /// An ordinary hour of the plant: SCADA polls four controllers and writes to them, the office asks a server.
    pub fn ordinary() -> Self {
        let mut tape = Self::new();
        for n in 1..=4 {
            let mut pairs: Vec<_> = (0..60).map(read).collect();
            pairs.push(write(9));
            tape.talk((SCADA, plc(n), 502), START + u64::from(n) * 20_000_000, SEC, &pairs);
        }
        tape.talk((OFFICE, [10, 10, 0, 2], 8080), START + SEC, SEC, &[(b"a".to_vec(), b"b".to_vec())]);
        tape
    }

    /// The same in a VLAN.
    pub fn tagged(mut self, vlan: u16) -> Self {
        for Frame { bytes, .. } in &mut self.frames {
            let [high, low] = vlan.to_be_bytes();
            bytes.splice(12..12, [0x81, 0, high, low]);
        }
        self
    }

    /// Both at the same time.
    pub fn and(mut self, other: Self) -> Self {
        self.frames.extend(other.frames);
        self
    }

    pub fn file(mut self) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        self.frames.sort_by_key(|frame| frame.at_ns);
        let name = format!("behaviour{}_{}.pcap", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut out = BufWriter::new(File::create(&path).unwrap());
        write_pcap(&mut out, self.frames).unwrap();
        path
    }
}

/// A Modbus read and its answer.
pub fn read(tid: u16) -> (Vec<u8>, Vec<u8>) {
    (modbus::read_holding(tid, 1, 0, 2), modbus::registers(tid, 1, &[1, 2]))
}

/// A Modbus write and its echo.
pub fn write(tid: u16) -> (Vec<u8>, Vec<u8>) {
    (modbus::write_register(tid, 1, 7, 1), modbus::write_register(tid, 1, 7, 1))
}

/// The opening of an S7 session.
pub fn s7_opening() -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![
        (s7::connect_request(1, 0x100, 0x102), s7::connect_confirm(1, 2, 0x100, 0x102)),
        (s7::setup(1, 480), s7::setup_done(1, 240)),
    ]
}

/// All that was told.
#[derive(Default)]
pub struct Seen {
    pub findings: Vec<Finding>,
    /// Client, server, packets of each.
    pub connections: Vec<(SiteAddr, SiteAddr, [u64; 2])>,
    pub incidents: Vec<Incident>,
}

impl Observer for Seen {
    fn finding(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }

    fn connection(&mut self, connection: &Connection, _: Time) {
        let packets = connection.legs.map(|leg| leg.packets);
        self.connections.push((connection.client.ip, connection.server.ip, packets));
    }
}

impl Seen {
    /// The models that raised, sorted, each finding once.
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = self.findings.iter().map(|f| f.model.as_str()).collect();
        models.sort_unstable();
        models
    }

    /// The findings of one model.
    pub fn of(&self, model: &str) -> Vec<&Finding> {
        self.findings.iter().filter(|f| f.model == model).collect()
    }

    #[track_caller]
    pub fn one(&self, model: &str) -> &Finding {
        let found = self.of(model);
        assert_eq!(found.len(), 1, "{model} in {:#?}", self.summaries());
        found[0]
    }

    pub fn summaries(&self) -> Vec<String> {
        self.findings.iter().map(|f| format!("{} {:?}: {}", f.model, f.severity, f.summary)).collect()
    }

    #[track_caller]
    pub fn silent(&self) {
        assert!(self.findings.is_empty(), "{:#?}", self.summaries());
    }
}

/// Replays files over a world, and gives the world back with what was told; findings as they stand at the end.
pub fn replay(world: World, incidents: Incidents, files: &[PathBuf]) -> (World, Incidents, Seen) {
    let mut source = Replay::open(files, ReplayOptions::default()).unwrap();
    let mut engine = Engine::new(Mind::new(world, incidents));
    let mut seen = Seen::default();
    loop {
        let more = source.poll(&mut |record| engine.record(record, &mut seen)).unwrap();
        source.apply(&engine.take_wishes());
        if !more {
            break;
        }
    }
    engine.finish(&mut seen);
    let Mind { world, incidents, .. } = engine.mind;
    for finding in &mut seen.findings {
        if let Some(now) = incidents.finding(finding.number) {
            *finding = now.clone();
        }
    }
    seen.incidents = incidents.iter().cloned().collect();
    (world, incidents, seen)
}

pub fn world(settings: Settings) -> World {
    World::new(settings, Zones::default())
}

/// A world that learned this tape, as `replay --learn` does, and what was told meanwhile.
pub fn learn_with(config: &str, tape: Tape) -> (World, Seen) {
    let path = tape.file();
    let settings = Settings { learn: true, ..Settings::default() };
    let mut empty = world(settings);
    let config: Config = isthmus::config::parse("test.toml", config).unwrap();
    empty.configure(&config);
    empty.settings.learn = true;
    let (mut world, _, seen) = replay(empty, Incidents::default(), std::slice::from_ref(&path));
    std::fs::remove_file(path).unwrap();
    world.graduate();
    world.settings.learn = false;
    (world, seen)
}

pub fn learn(tape: Tape) -> World {
    learn_with("", tape).0
}

/// What is told of this tape by a world.
pub fn judge(world: World, tape: Tape) -> Seen {
    judge_on(world, Incidents::default(), tape).2
}

pub fn judge_on(world: World, incidents: Incidents, tape: Tape) -> (World, Incidents, Seen) {
    let path = tape.file();
    let told = replay(world, incidents, std::slice::from_ref(&path));
    std::fs::remove_file(path).unwrap();
    told
}

/// What is told of this tape after the ordinary hour was learned.
pub fn after_learning(tape: Tape) -> Seen {
    judge(learn(Tape::ordinary()), tape)
}

/// What is told of this tape where nothing is known and nothing judged yet.
pub fn while_learning(tape: Tape) -> Seen {
    judge(world(Settings::default()), tape)
}

/// What is told of this tape with `--stage operational` and no state.
pub fn at_once(tape: Tape) -> Seen {
    judge(world(Settings { operational: true, ..Settings::default() }), tape)
}
