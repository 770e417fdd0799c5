//! What an attacker may flood a sensor with, and the one small thing that matters in the middle of it.

use std::net::Ipv4Addr;

use isthmus_tests::conversation::{Frame, From, MS, Options, SEC, Session};
use isthmus_tests::payload::tls::Handshake;
use isthmus_tests::payload::{modbus, s7};
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Host, Incident, IncidentOptions, Plant};

use super::START;

/// Frames of a flood stand this far apart.
const APART: u64 = MS / 4;

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
    let mut session = Session::new(a, b, START + SEC + n * APART, (rng.bits() as u32, 0), Options::default());
    session.unanswered(0);
    session.take().remove(0)
}

/// One host asks the Internet for a new name each time.
fn named(n: u64, rng: &mut Rng) -> Vec<Frame> {
    let plant = Plant::new();
    let server = Host::external("name", Ipv4Addr::from(0xc612_0000 | (rng.bits() as u32 & 0xffff)));
    let [hello, ..] = Handshake::browser(&format!("n{n}-{}.example", rng.bits()), true).flights(rng);
    let ports = (1024 + (n % 60_000) as u16, 443);
    say(&plant.office[4], &server, ports, START + SEC + n * APART, &hello, rng)
}

/// The real attacker of the floods: `plant.stranger`, halfway, writes to one controller and does nothing else.
fn attack(count: u64) -> Vec<Frame> {
    let end = START + SEC + count * APART;
    let mut options = IncidentOptions::one_write(START + SEC + count * APART / 2 - 45 * 60 * SEC, 1);
    options.background = false;
    let frames = Incident::new(&Plant::new(), &options).into_frames();
    frames.filter(|frame| frame.at_ns > START && frame.at_ns < end).collect()
}

/// One half (0 or 1) of a flood of so many, with the attack.
pub fn half(kind: &str, count: u64, half: u64) -> impl Iterator<Item = Frame> {
    let range = half * count / 2..(half + 1) * count / 2;
    let (from, until) = (START + SEC + range.start * APART, START + SEC + range.end * APART);
    let mut own: Vec<Frame> =
        attack(count).into_iter().filter(|f| (from..until).contains(&f.at_ns)).collect();
    own.sort_by_key(|frame| frame.at_ns);
    let mut rng = Rng::new(half);
    let made: Box<dyn Iterator<Item = Frame>> = match kind {
        "spoofed" => Box::new(range.map(move |n| spoofed(n, &mut rng))),
        "scan" => Box::new(range.map(move |n| scan(n, &mut rng))),
        _ => Box::new(range.flat_map(move |n| named(n, &mut rng))),
    };
    let (mut made, mut own) = (made.peekable(), own.into_iter().peekable());
    std::iter::from_fn(move || match (made.peek(), own.peek()) {
        (Some(a), Some(b)) if b.at_ns < a.at_ns => own.next(),
        (Some(_), _) => made.next(),
        (None, _) => own.next(),
    })
}
