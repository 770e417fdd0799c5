//! Memory stays bounded whatever an attacker chooses, and the real attacker is still named.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::{Observer, Silent};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus_tests::conversation::{Frame, From, HOUR, MS, Options, SEC, Session};
use isthmus_tests::evaluation::{Seen, analyse};
use isthmus_tests::payload::tls::Handshake;
use isthmus_tests::payload::{modbus, s7};
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Host, Incident, IncidentOptions, Plant, ordinary_days};

/// Set in the process whose memory is measured: the flood, and how many.
const FLOOD: &str = "ISTHMUS_TEST_FLOOD";

const START: u64 = 1_773_234_000 * SEC;

fn limits() -> Settings {
    Settings { max_hosts: 4096, max_conversations: 8192, max_connections: 8192, ..Settings::default() }
}

/// Opens and says one thing, from `client` to `server`.
fn say(client: &Host, server: &Host, ports: (u16, u16), at: u64, bytes: &[u8], rng: &mut Rng) -> Vec<Frame> {
    let (a, b) = (client.side_towards(server, ports.0), server.side_towards(client, ports.1));
    let mut session = Session::new(a, b, at, (rng.bits() as u32, rng.bits() as u32), Options::default());
    session.open();
    session.send(From::Client, bytes);
    session.take()
}

/// A million sources that never existed ask for controllers.
fn spoofed(n: u64, rng: &mut Rng) -> Frame {
    let plant = Plant::new();
    let [_, a, b, c] = (rng.bits() as u32).to_be_bytes();
    let source = Host { ip: Ipv4Addr::new(10, a, b, c), ..plant.stranger };
    let target = *rng.pick(&plant.ot());
    let port = if rng.chance(0.5) { s7::PORT } else { modbus::PORT };
    syn(&source, &target, port, n, rng)
}

/// One source asks a /8 for Modbus.
fn scan(n: u64, rng: &mut Rng) -> Frame {
    let plant = Plant::new();
    let [_, a, b, c] = (rng.bits() as u32).to_be_bytes();
    let target = Host { ip: Ipv4Addr::new(10, a, b, c), ..plant.wincc };
    syn(&plant.office[3], &target, modbus::PORT, n, rng)
}

fn syn(source: &Host, target: &Host, port: u16, n: u64, rng: &mut Rng) -> Frame {
    let (a, b) =
        (source.side_towards(target, rng.range(1024, 65_536) as u16), target.side_towards(source, port));
    let mut session =
        Session::new(a, b, START + SEC + n * MS / 4, (rng.bits() as u32, 0), Options::default());
    session.unanswered(0);
    session.take().remove(0)
}

/// One host asks the Internet for a new name each time.
fn named(n: u64, rng: &mut Rng) -> Vec<Frame> {
    let plant = Plant::new();
    let server = Host::external("name", Ipv4Addr::from(0xc612_0000 | (rng.bits() as u32 & 0xffff)));
    let [hello, ..] = Handshake::browser(&format!("n{n}-{}.example", rng.bits()), true).flights(rng);
    let ports = (1024 + (n % 60_000) as u16, 443);
    say(&plant.office[4], &server, ports, START + SEC + n * MS / 4, &hello, rng)
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The process that is measured. Prints resident kilobytes after half of the flood and after all of it, and what was found.
#[test]
fn is_flooded() {
    let Ok(flood) = std::env::var(FLOOD) else { return };
    let (kind, count) = flood.split_once(' ').unwrap();
    let count: u64 = count.parse().unwrap();
    let plant = Plant::new();
    let learning = Settings { learn: true, ..limits() };
    let mut engine = Engine::new(Mind::new(World::new(learning, Zones::default()), Incidents::default()));
    let past = ordinary_days(&plant, 1, 1, START).filter(|frame| frame.at_ns > START - 2 * HOUR);
    analyse(&mut engine, past, &mut Silent).unwrap();
    engine.mind.world.graduate();
    engine.mind.world.settings.learn = false;

    let mut seen = Seen::default();
    // Halfway the real one writes to one controller.
    let end = START + SEC + count * MS / 4;
    let mut options = IncidentOptions::one_write(START + SEC + count * MS / 8 - 45 * 60 * SEC, 1);
    options.background = false;
    let attack = Incident::new(&plant, &options);
    let mut attack: Vec<Frame> = attack.into_frames().filter(|f| f.at_ns > START && f.at_ns < end).collect();
    for half in 0..2 {
        let range = half * count / 2..(half + 1) * count / 2;
        let mut frames: Vec<Frame> = Vec::new();
        let from = START + SEC + range.start * MS / 4;
        let until = START + SEC + range.end * MS / 4;
        attack.retain(|frame| {
            let now = (from..until).contains(&frame.at_ns);
            if now {
                frames.push(frame.clone());
            }
            !now
        });
        frames.sort_by_key(|frame| frame.at_ns);
        let mut flood_rng = Rng::new(half);
        let made: Box<dyn Iterator<Item = Frame>> = match kind {
            "spoofed" => Box::new(range.map(|n| spoofed(n, &mut flood_rng))),
            "scan" => Box::new(range.map(|n| scan(n, &mut flood_rng))),
            _ => Box::new(range.flat_map(|n| named(n, &mut flood_rng))),
        };
        let (mut made, mut own) = (made.peekable(), frames.into_iter().peekable());
        let merged = std::iter::from_fn(|| match (made.peek(), own.peek()) {
            (Some(a), Some(b)) if b.at_ns < a.at_ns => own.next(),
            (Some(_), _) => made.next(),
            (None, _) => own.next(),
        });
        analyse(&mut engine, merged, &mut seen).unwrap();
        println!("\nresident {}", resident());
    }
    let actor = IpAddr::from(plant.stranger.ip);
    let found = seen.findings.iter().any(|f| f.actor == actor && f.model == "new_action");
    let kept = engine.mind.incidents.iter().any(|incident| incident.actors.contains(&actor));
    for incident in engine.mind.incidents.iter() {
        seen.incident(incident, "summary");
    }
    let world = &engine.mind.world;
    println!(
        "found {found}\nkept {kept}\nhosts {}\nconversations {}",
        world.hosts.len(),
        world.conversations.len()
    );
    println!("evicted {}", world.hosts.evicted() + world.conversations.evicted + engine.tallies.evicted);
    println!("incidents {}", engine.mind.incidents.iter().count());
}

fn flooded(kind: &str, short: u64) {
    let count = if std::env::var_os("ISTHMUS_TEST_ALL").is_some() { 1_000_000 } else { short };
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["is_flooded", "--exact", "--nocapture"])
        .env(FLOOD, format!("{kind} {count}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{kind}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    let value = |name: &str| {
        text.lines().filter_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned()).collect::<Vec<_>>()
    };
    let resident: Vec<u64> = value("resident ").iter().map(|v| v.parse().unwrap()).collect();
    println!(
        "{kind} {count}: {}",
        text.lines().filter(|l| !l.is_empty()).skip(2).collect::<Vec<_>>().join(", ")
    );
    let [half, all] = resident[..] else { panic!("{text}") };
    assert!(all < 200 << 10, "{kind}: {all} kB resident");
    assert!(all < half + half / 5 + (8 << 10), "{kind}: {half} kB after half, {all} kB after all");
    assert_eq!(value("found "), ["true"], "{kind}: the real attacker was not found");
    assert_eq!(value("kept "), ["true"], "{kind}: the real attacker's incident was pushed out");
    let evicted: u64 = value("evicted ")[0].parse().unwrap();
    assert!(evicted > 0, "{kind}: nothing was evicted, so nothing was tested");
}

#[test]
fn a_flood_of_spoofed_sources_is_bounded_and_hides_nobody() {
    flooded("spoofed", 60_000);
}

#[test]
fn a_scan_of_a_whole_network_is_bounded_and_hides_nobody() {
    flooded("scan", 60_000);
}

#[test]
fn a_flood_of_names_is_bounded_and_hides_nobody() {
    flooded("names", 30_000);
}
