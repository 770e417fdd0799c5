//! Captures to measure with, and what is in them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::{Frame, SEC, US};
use isthmus_tests::packet::{Mac, PacketBuilder};
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Plant, ordinary_days, parse_time};
use sensor_ebpf::flow::FlowKey;

/// One direction of a flow: VLAN, protocol or EtherType, source, destination, ports.
pub type Flow = (u16, u16, [u8; 6], [u8; 6], u16, u16);

/// What is in a capture.
pub struct Truth {
    pub packets: u64,
    pub flows: HashSet<Flow>,
}

type Make = fn(&Path) -> Result<Truth>;

/// What captures there are.
pub const ALL: [(&str, Make); 2] =
    [("a plant's ordinary days", plant), ("many flows, a twentieth of them industrial", many)];

fn plant(file: &Path) -> Result<Truth> {
    let end = parse_time("2026-03-11T13:00:00Z").map_err(|error| anyhow::anyhow!("{error}"))?;
    write(file, ordinary_days(&Plant::new(), 1, 2, end))
}

const FLOWS: u64 = 50_000;
const PACKETS: u64 = 1_000_000;

/// Every packet one of any flow in either direction. New ones come slowly enough to be admitted.
fn many(file: &Path) -> Result<Truth> {
    let mut rng = Rng::new(3);
    let frames = (0..PACKETS).map(move |n| {
        let flow = rng.range(0, FLOWS);
        let (up, len) = (rng.chance(0.5), rng.range(0, 540) as usize);
        let service = match flow % 40 {
            0 => 102,
            1 => 502,
            2 => 3389,
            _ => 443,
        };
        let client = [10, 10, (flow >> 8) as u8, flow as u8];
        let server = [10, 20, (flow % 7) as u8, (flow % 251) as u8];
        let port = 20_000 + (flow % 40_000) as u16;
        let (a, b) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));
        let packet = if up {
            PacketBuilder::ethernet(a, b).vlan(10).ipv4(client, server).tcp(port, service)
        } else {
            PacketBuilder::ethernet(b, a).vlan(20).ipv4(server, client).tcp(service, port)
        };
        let bytes = packet.seq(n as u32).ack(1).flags(0x18).payload(&vec![n as u8; len]).build_padded();
        Frame { at_ns: 1_773_234_000 * SEC + n * 100 * US, leg: 0, bytes }
    });
    write(file, frames)
}

fn write(file: &Path, frames: impl Iterator<Item = Frame>) -> Result<Truth> {
    let mut truth = Truth { packets: 0, flows: HashSet::new() };
    let mut out = BufWriter::new(File::create(file).context("cannot write a capture")?);
    let counted = frames.inspect(|frame| {
        truth.packets += 1;
        truth.flows.insert(read(&frame.bytes));
    });
    write_pcap(&mut out, counted)?;
    out.flush()?;
    Ok(truth)
}

/// The flow of a frame made here: one tag or none, no IPv6, no options, no fragments.
fn read(b: &[u8]) -> Flow {
    let word = |at: usize| u16::from_be_bytes([b[at], b[at + 1]]);
    let (vlan, at) = if word(12) == 0x8100 { (word(14) & 0xfff, 18) } else { (0, 14) };
    if word(at - 2) != 0x0800 {
        let mac = |at: usize| [b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5]];
        return (vlan, word(at - 2), mac(6), mac(0), word(at), word(at - 2));
    }
    let ip = |at: usize| [b[at], b[at + 1], b[at + 2], b[at + 3], 0, 0];
    let ports = match b[at + 9] {
        6 | 17 => (word(at + 20), word(at + 22)),
        1 => (0, word(at + 20)),
        other => (0, u16::from(other)),
    };
    (vlan, u16::from(b[at + 9]), ip(at + 12), ip(at + 16), ports.0, ports.1)
}

/// The flow of a key, in the same terms.
pub fn flow(key: &FlowKey) -> Flow {
    use sensor_ebpf::flow::Transport;
    let [vlan, _] = key.vlans();
    let last = |words: [u64; 2]| {
        let [_, _, rest @ ..] = words[1].to_ne_bytes();
        rest
    };
    let (src, dst) = (last(key.src), last(key.dst));
    if key.transport() == Transport::Ethernet {
        return (vlan, key.dport, src, dst, key.sport, key.dport);
    }
    let protocol = match key.transport() {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Icmp => 1,
        Transport::Icmpv6 => 58,
        _ => key.dport,
    };
    // A mapped address: ff ff a b c d.
    let ip = |[_, _, a, b, c, d]: [u8; 6]| [a, b, c, d, 0, 0];
    (vlan, protocol, ip(src), ip(dst), key.sport, key.dport)
}
