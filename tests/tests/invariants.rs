//! What the sensor says depends on what was on the wire, and on nothing else: not on which CPU, interface or place in
//! the cache a packet met, not on when the sensor was stopped, not on chance.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use isthmus::cli::Dataset;
use isthmus::detect::finding::{Basis, Finding, Severity};
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::output::Sink as _;
use isthmus::output::json::JsonLines;
use isthmus::source::Source as _;
use isthmus::source::policy::Limits;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::SiteAddr;
use isthmus::state::connection::{Connection, End};
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::state::{ConnectionState, World};
use isthmus::store::Store;
use isthmus::time::Time;
use isthmus_tests::capture_file::write_pcapng;
use isthmus_tests::conversation::{Frame, From, Options, SEC, Session};
use isthmus_tests::evaluation::analyse_with;
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant, parse_time};
use proptest::prelude::*;

/// Nothing is admitted too slowly: in a cache of four sets nearly every packet opens a flow, and beyond the limit it
/// would be counted in a storm row instead of its flow. That limit is each CPU's own, so how packets are spread decides
/// when it is reached; it is tested by itself.
const UNLIMITED: Limits = Limits { rate: [1 << 30; 2], burst: [1 << 30; 2], idle_s: 600, heartbeat_s: 2 };

/// The three hours of one seed, without the ordinary life around them, with a transfer that is just large enough.
fn story(seed: u64) -> Vec<Frame> {
    let start = parse_time("2026-03-11T13:00:00Z").expect("a time");
    let mut options = IncidentOptions::new(start, seed);
    (options.background, options.stop, options.download) = (false, true, true);
    (options.rdp_up, options.rdp_down) = (12_000_000, 1_000_000);
    Incident::new(&Plant::new(), &options).into_frames().collect()
}

fn engine() -> Engine {
    Engine::new(Mind::new(world(), Incidents::default()))
}

/// Everything is judged at once; nothing is known.
fn world() -> World {
    World::new(Settings { operational: true, ..Settings::default() }, Zones::default())
}

/// A finding without what may differ: when within the ten seconds of a sweep a number was read, and the number.
type Found = (String, SiteAddr, Vec<(SiteAddr, Option<u16>)>, Basis, Severity);

#[derive(Default)]
struct Told {
    findings: BTreeSet<Found>,
    connections: Vec<(End, End, ConnectionState, [u64; 2])>,
}

impl Observer for Told {
    fn finding(&mut self, finding: &Finding) {
        let mut targets: Vec<_> = finding.targets.iter().map(|target| (target.ip, target.port)).collect();
        targets.sort_unstable();
        let found = (finding.model.clone(), finding.actor, targets, finding.basis, finding.severity);
        self.findings.insert(found);
    }

    fn connection(&mut self, connection: &Connection, _: Time) {
        let packets = connection.legs.map(|leg| leg.packets);
        self.connections.push((connection.client, connection.server, connection.state, packets));
    }
}

fn told(frames: Vec<Frame>, options: ReplayOptions) -> Told {
    let (mut engine, mut told) = (engine(), Told::default());
    analyse_with(&mut engine, frames.into_iter(), &mut told, options).expect("frames from memory");
    engine.finish(&mut told);
    told
}

/// Each frame enters on any of the interfaces, as links that share their load would have it.
fn spread(mut frames: Vec<Frame>, seed: u64, interfaces: u64) -> Vec<Frame> {
    let mut rng = Rng::new(seed);
    for frame in &mut frames {
        frame.leg = rng.range(0, interfaces) as u8;
    }
    frames
}

fn cases() -> u32 {
    if std::env::var_os("ISTHMUS_TEST_ALL").is_some() { 32 } else { 2 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_do_not_depend_on_cpus_interfaces_and_the_size_of_the_cache(
        seed in 1..1000_u64,
        cpus in 2..=4_usize,
        sets in prop::sample::select(vec![4_u32, 64, 4096]),
        interfaces in 2..=6_u64,
    ) {
        let frames = story(seed);
        let limits = UNLIMITED;
        let expected = told(frames.clone(), ReplayOptions { limits, ..ReplayOptions::default() });
        prop_assert!(expected.findings.len() > 5, "{:?}", expected.findings);
        let options = ReplayOptions { cpus, sets, limits, ..ReplayOptions::default() };
        let got = told(spread(frames, seed, interfaces), options);
        let (missing, more): (Vec<_>, Vec<_>) = (
            expected.findings.difference(&got.findings).collect(),
            got.findings.difference(&expected.findings).collect(),
        );
        prop_assert!(missing.is_empty() && more.is_empty(), "missing {missing:#?}\nmore {more:#?}");
    }
}

/// A folder of one test's own, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("isthmus-invariants-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn capture(&self, name: &str, frames: &[Frame]) -> PathBuf {
        let path = self.0.join(name);
        let mut out = BufWriter::new(File::create(&path).expect("a file"));
        write_pcapng(&mut out, frames.iter().cloned()).and_then(|_| out.flush()).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes that are still there when the writer is gone.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `isthmus replay --stage operational --format json --log …` writes.
fn lines(file: &PathBuf) -> Vec<u8> {
    let log = [Dataset::Connection, Dataset::Command, Dataset::Asset, Dataset::Anomaly, Dataset::Summary];
    let out = Kept::default();
    let mut sink = JsonLines::new(out.clone(), &log, "test".to_owned());
    let mut engine = engine();
    let mut source = Replay::open(std::slice::from_ref(file), ReplayOptions::default()).expect("opens");
    loop {
        let more = source.poll(&mut |record| engine.record(record, sink.as_observer())).expect("reads");
        source.apply(&engine.take_wishes());
        if !more {
            break;
        }
    }
    engine.finish(sink.as_observer());
    sink.summary(&engine, &source.counters()).expect("written");
    std::mem::take(&mut *out.0.lock().expect("one thread"))
}

#[test]
fn the_same_capture_twice_gives_the_same_bytes() {
    let folder = Folder::new("twice");
    let file = folder.capture("story.pcapng", &story(7));
    let (first, second) = (lines(&file), lines(&file));
    let text = String::from_utf8(first.clone()).expect("JSON is UTF-8");
    for dataset in ["finding", "incident", "connection", "command", "asset", "summary"] {
        let line = format!("isthmus.{dataset}");
        assert!(
            text.lines().any(|l| l.contains(&line)),
            "no line of {dataset}: {}",
            &text[..text.len().min(600)]
        );
    }
    assert!(first == second, "two runs of {} bytes differ", first.len());
}

/// Findings of captures analysed one after another, each by a sensor of its own that goes on with the state before it.
fn one_after_another(
    folder: &Folder,
    name: &str,
    parts: &[&[Frame]],
) -> (BTreeSet<(String, SiteAddr)>, usize) {
    let state = folder.0.join(name);
    let (mut findings, mut incidents) = (BTreeSet::new(), 0);
    for frames in parts {
        let mut store = Store::open(&state).expect("state");
        let mut engine = Engine::new(store.read(world()).expect("reads"));
        let mut told = Told::default();
        let options = ReplayOptions { sets: 1 << 12, ..ReplayOptions::default() };
        analyse_with(&mut engine, frames.iter().cloned(), &mut told, options).expect("frames from memory");
        engine.finish(&mut told);
        store.save(&mut engine.mind).expect("saved");
        findings.extend(told.findings.into_iter().map(|(model, actor, ..)| (model, actor)));
        incidents = engine.mind.incidents.iter().count();
    }
    (findings, incidents)
}

/// A sensor that is stopped between two acts and started again must find the same, of the same hosts, in as many
/// incidents: all that it concluded is in its state. Not equal are numbers and lists of targets: what was going on at
/// the moment (open connections, counts of the last minutes) begins anew, as it does in a sensor that was switched on
/// then; so the cut is made where nobody said anything for a while.
#[test]
fn a_capture_cut_in_two_with_state_between_gives_the_same_findings() {
    let folder = Folder::new("cut");
    let frames = story(11);
    let whole = one_after_another(&folder, "whole", &[&frames]);
    assert!(whole.0.len() > 5 && whole.1 > 0, "{whole:?}");
    let mut pauses: Vec<(u64, usize)> =
        frames.windows(2).zip(1..).map(|(pair, at)| (pair[1].at_ns - pair[0].at_ns, at)).collect();
    pauses.sort_unstable();
    let mut tried = 0;
    for (pause, at) in pauses.iter().rev().take(3) {
        assert!(*pause > 60 * SEC, "a pause of only {pause} ns");
        let (one, two) = frames.split_at(*at);
        let parts = one_after_another(&folder, &format!("cut-{at}"), &[one, two]);
        assert_eq!(parts, whole, "cut before frame {at}");
        tried += 1;
    }
    assert_eq!(tried, 3);
}

#[test]
fn request_and_reply_on_different_interfaces_and_vlans_are_one_connection() {
    let plant = Plant::new();
    let (client, server) = (plant.jump, plant.wincc);
    let (a, b) = (client.side_towards(&server, 50_000), server.side_towards(&client, 3389));
    assert!(a.leg != b.leg && a.vlan != b.vlan && a.mac != b.next_hop, "not routed");
    let mut session = Session::new(a, b, 1_773_234_000 * SEC, (1, 2), Options::default());
    session.open();
    session.send(From::Client, b"a request");
    session.send(From::Server, &[7; 4000]);
    session.close(From::Client);
    let frames = session.take();
    let sent = [a.leg, b.leg].map(|leg| frames.iter().filter(|frame| frame.leg == leg).count() as u64);
    let told = told(frames, ReplayOptions { cpus: 2, ..ReplayOptions::default() });
    let end = |ip: std::net::Ipv4Addr, port| End { ip: ip.into(), port };
    // It is told when it closes: what another CPU counted since its last report comes later.
    let [(from, to, state, packets)] = told.connections[..] else { panic!("{:?}", told.connections) };
    let expected = (end(client.ip, 50_000), end(server.ip, 3389), ConnectionState::Closed);
    assert_eq!((from, to, state), expected);
    assert!(
        packets[0] > 0 && packets[1] > 0 && packets[0] <= sent[0] && packets[1] <= sent[1],
        "{packets:?}"
    );
}
