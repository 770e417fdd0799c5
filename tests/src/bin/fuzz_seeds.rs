//! Writes seeds for the fuzz targets: a dialogue of every protocol, what the plant's scenario says, and what the captures hold
//! that are at hand.
//!
//! `fuzz_seeds DIR` makes `DIR/decoder/PROTOCOL/…` for every protocol, and `DIR/frames/…`, `DIR/records`, `DIR/streams/…`,
//! `DIR/captures/…`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use isthmus::protocol::{Port, Probe, REGISTRY, Side, Verdict};
use isthmus::source::capture::Capture;
use isthmus_tests::capture_file::{write_pcap, write_pcapng};
use isthmus_tests::conversation::{Frame, From};
use isthmus_tests::dialogue::{self, Dialogue, Said};
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant};
use sensor_ebpf::flow::FlowKey;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::wire;

/// Seeds of one target.
const MOST: usize = 60;
/// Frames of the scenario that are looked at.
const FRAMES: usize = 60_000;
/// Frames looked at of one capture.
const CAPTURED: usize = 3000;

/// Flags of a segment in the decoders' input, as `tests/fuzz/targets/decoder.rs` reads them.
const SERVER: u8 = 1;
const USUAL_PORT: u8 = 8;

/// Seeds by folder.
#[derive(Default)]
struct Seeds(BTreeMap<PathBuf, Vec<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, folder: impl Into<PathBuf>, seed: Vec<u8>) {
        let seeds = self.0.entry(folder.into()).or_default();
        if seeds.len() < MOST && !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }

    /// What two ends say: for the decoder as segments of one connection, for the engine as frames.
    fn dialogue(&mut self, dialogue: &Dialogue) {
        let segment = |(from, bytes): &Said| {
            let flags = USUAL_PORT | if *from == From::Server { SERVER } else { 0 };
            [&[flags][..], &(bytes.len() as u16).to_le_bytes(), bytes].concat()
        };
        let folder = Path::new("decoder").join(dialogue.protocol);
        let said = dialogue.said(3);
        self.add(&folder, said.iter().flat_map(segment).collect());
        said.iter().for_each(|said| self.add(&folder, segment(said)));
        let sized = |frame: &Frame| [&(frame.bytes.len() as u16).to_le_bytes()[..], &frame.bytes].concat();
        let frames = dialogue.frames(3).iter().flat_map(sized).collect();
        self.add(format!("frames/dialogue-{}", dialogue.protocol), frames);
    }

    /// One frame: for the packet path, and its payload for every protocol that may claim it.
    fn frame(&mut self, frame: &[u8]) {
        let length = (frame.len().min(2048) as u16).to_le_bytes();
        let head = frame.get(..2048).unwrap_or(frame);
        self.add(format!("frames/{:02x?}", frame.get(12..14)), [&length[..], head].concat());
        let Ok(headers) = wire::parse(&Slice { bytes: frame, wire_len: frame.len() as u32 }, 0) else {
            return;
        };
        let mut key = FlowKey::default();
        headers.key.write(&mut key);
        let (from, len) = (headers.payload_at as usize, headers.payload_len as usize);
        let Some(payload) = frame.get(from..(from + len).min(frame.len())).filter(|bytes| !bytes.is_empty())
        else {
            return;
        };
        for (side, port) in [(Side::Client, port(&key, true)), (Side::Server, port(&key, false))] {
            for spec in REGISTRY {
                let hinted = port.is_some_and(|port| spec.ports.contains(&port));
                if !hinted && !matches!(port, Some(Port::Tcp(_) | Port::Udp(_))) {
                    continue;
                }
                let probe = Probe { bytes: payload, side, hinted, from_start: false };
                if hinted || (spec.probe)(probe) == Verdict::Yes {
                    let server = if side == Side::Server { SERVER } else { 0 };
                    let flags = server | if hinted { USUAL_PORT } else { 0 };
                    let length = (payload.len() as u16).to_le_bytes();
                    let seed = [&[flags][..], &length, payload].concat();
                    self.add(Path::new("decoder").join(spec.name), seed);
                }
            }
        }
    }
}

fn port(key: &FlowKey, destination: bool) -> Option<Port> {
    Port::of(key.transport(), if destination { key.dport } else { key.sport })
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).context("usage: fuzz_seeds DIR")?);
    let mut seeds = Seeds::default();
    for spec in REGISTRY {
        // A folder for every protocol, whether or not anybody speaks it here.
        seeds.add(Path::new("decoder").join(spec.name), vec![0, 0, 0]);
    }
    for dialogue in dialogue::all() {
        seeds.dialogue(&dialogue);
    }
    let options = IncidentOptions::download_and_stop(1_700_000_000, 1);
    let story: Vec<Frame> = Incident::new(&Plant::new(), &options).into_frames().take(FRAMES).collect();
    story.iter().for_each(|frame| seeds.frame(&frame.bytes));
    let (mut pcap, mut pcapng) = (Vec::new(), Vec::new());
    write_pcap(&mut pcap, story.iter().take(3).cloned())?;
    write_pcapng(&mut pcapng, story.iter().take(3).cloned())?;
    seeds.add("captures", pcap);
    seeds.add("captures", pcapng);
    seeds.add("records", vec![0, 0]);
    seeds.add(
        "streams",
        b"\x05\x00\x10\x00\x05\x02\x10\x00\x05\x01\x10\x00\x03\x00\x08\x00\x00\x00\x00\x00".to_vec(),
    );
    if let Some(captures) = std::env::var_os("ISTHMUS_CAPTURES") {
        let mut files: Vec<_> = std::fs::read_dir(captures)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.to_string_lossy().contains(".pcap")) {
            let mut capture = Capture::open(file)?;
            for _ in 0..CAPTURED {
                let Some(Ok(packet)) = capture.next() else { break };
                seeds.frame(&packet.frame);
            }
        }
    }
    for (folder, seeds) in seeds.0 {
        let mut parts = folder.iter();
        let top = parts.next().unwrap_or_default();
        let name = parts
            .collect::<PathBuf>()
            .to_string_lossy()
            .replace(|c: char| !c.is_alphanumeric() && c != '-', "");
        // Frames stand in one folder, decoders in one for each protocol.
        let is_decoder = top == "decoder";
        let folder = if is_decoder { dir.join(top).join(&name) } else { dir.join(top) };
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (i, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{name}-{i}")), seed)?;
        }
    }
    Ok(())
}
