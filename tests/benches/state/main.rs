//! A day of a large site: ten thousand hosts, a million conversations. How much memory the engine's state takes, and how
//! many records a second it takes in, beside the same records over a thousand conversations.
//!
//! Records are made, not captured: the packet path has its own bench.

use std::net::Ipv4Addr;

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::{FlowEvent, Record};
use isthmus::state::address::words;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::state::{Connection, Conversation, Host, World};
use isthmus::time::Time;
use isthmus_tests::measure::process_cpu;
use isthmus_tests::rng::Rng;
use sensor_ebpf::flow::{FlowKey, Transport};
use sensor_ebpf::record::Reason;

const HOSTS: u64 = 10_000;
const CONVERSATIONS: u64 = 1_000_000;
/// Beside them: as few as a small plant has.
const FEW: u64 = 1_000;
/// Each of the million is had twice a day.
const CONNECTIONS: u64 = 2 * CONVERSATIONS;
const DAY_S: u64 = 86_400;
const START_S: u64 = 1_773_187_200;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;

/// The n-th conversation: the same client, server and service each time.
fn conversation(n: u64) -> (Ipv4Addr, Ipv4Addr, u16) {
    let mut rng = Rng::new(n);
    let host = |n: u64| Ipv4Addr::new(10, 10 + (n / 65_536) as u8, (n / 256 % 256) as u8, (n % 256) as u8);
    let client = rng.range(0, HOSTS);
    let server = (client + 1 + rng.range(0, HOSTS - 1)) % HOSTS;
    let port = *rng.pick(&[80, 102, 443, 445, 502, 3389, 5432, 8080, 44_818, 20_000]);
    (host(client), host(server), port)
}

/// One connection of it: opened, answered, closed by both.
fn connection(n: u64, at: Time, engine: &mut Engine) -> u64 {
    let (client, server, port) = conversation(n);
    let client_port = 32_768 + (n % 28_000) as u16;
    let key = |from: Ipv4Addr, to: Ipv4Addr, sport, dport| FlowKey {
        src: words(from),
        dst: words(to),
        sport,
        dport,
        place: (Transport::Tcp as u32) << 28,
    };
    let (up, down) = (key(client, server, client_port, port), key(server, client, port, client_port));
    let told = [
        (up, Reason::Opened, SYN, SYN, 1, 60),
        (down, Reason::Opened, SYN | ACK, SYN | ACK, 1, 60),
        (up, Reason::Changed, SYN | ACK | FIN, FIN | ACK, 8, 900),
        (down, Reason::Changed, SYN | ACK | FIN, FIN | ACK, 9, 6_000),
    ];
    let count = told.len() as u64;
    for (key, reason, flags, packet_flags, packets, bytes) in told {
        let event = FlowEvent {
            at,
            key,
            reason,
            packets,
            bytes,
            last: at,
            flags,
            packet_flags,
            notes: 0,
            tcp_seq: 0,
            macs: Some(([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])),
        };
        engine.record(Record::Flow(event), &mut Silent);
    }
    count
}

/// A number of kilobytes the kernel tells of this process.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

/// A day over so many conversations, each as often as all the others; returns the engine, records, and seconds of CPU.
fn day(conversations: u64) -> (Engine, u64, f64) {
    let settings = Settings { max_hosts: 16_384, max_conversations: 1 << 20, ..Settings::default() };
    let mut engine = Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()));
    let begun = process_cpu();
    let mut records = 0;
    let a_second = CONNECTIONS.div_ceil(DAY_S);
    let mut n = 0;
    for second in 0..DAY_S {
        let at = Time::from_seconds(START_S + second);
        for _ in 0..a_second {
            if n < CONNECTIONS {
                records += connection(n % conversations, at, &mut engine);
                n += 1;
            }
        }
        engine.record(Record::Tick(at), &mut Silent);
        records += 1;
    }
    let took = (process_cpu() - begun).as_secs_f64();
    (engine, records, took)
}

fn main() {
    let before = memory("VmRSS:");
    let (engine, records, took) = day(CONVERSATIONS);
    let after = memory("VmRSS:");
    let world = &engine.mind.world;
    println!(
        "state: 24 h, {} hosts, {} conversations, {records} records",
        world.hosts.len(),
        world.conversations.len()
    );
    println!(
        "state: {:.0} MiB resident ({:.0} MiB at most), {:.0} bytes a conversation",
        after as f64 / 1024.0,
        memory("VmHWM:") as f64 / 1024.0,
        (after - before) as f64 * 1024.0 / world.conversations.len().max(1) as f64,
    );
    println!(
        "state: a conversation is {} bytes, a host {}, a connection {}",
        size_of::<Conversation>(),
        size_of::<Host>(),
        size_of::<Connection>()
    );
    drop(engine);
    let (_, same, few) = day(FEW);
    assert_eq!(records, same, "the same records");
    println!(
        "state: {:.0} records/s, {:.2} µs of CPU a record; over {FEW} conversations {:.0} records/s: a million cost {:.2} times as much",
        records as f64 / took,
        took * 1e6 / records as f64,
        records as f64 / few,
        took / few
    );
    assert!(after < 1 << 20, "{after} kB resident: more than 1 GiB");
}
