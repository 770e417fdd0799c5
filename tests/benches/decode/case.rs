//! What is decoded: connections of one protocol, made or captured.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use isthmus::decode;
use isthmus::observer::Silent;
use isthmus::protocol::{Event, by_name};
use isthmus::source::Record;
use isthmus::state::Connection;
use isthmus::state::connection::Pair;
use isthmus::state::segments::Segments;
use isthmus::state::world::Settings;
use isthmus::time::Time;
use isthmus_tests::dialogue;
use isthmus_tests::recorded::{Recorded, engine, of_files, of_frames};
use sensor_ebpf::flow::FlowKey;

/// Polls of a made industrial connection, and of one that says all there is when it opens.
const POLLS: u32 = 1000;
const FEW: u32 = 5;

/// One segment or datagram.
#[derive(Clone)]
struct Segment {
    key: FlowKey,
    seq: Option<u32>,
    payload: Range<usize>,
    wire_len: usize,
}

/// One connection.
#[derive(Clone)]
struct Session {
    key: FlowKey,
    at: Time,
    flags: u8,
    segments: Vec<Segment>,
}

/// Connections of one protocol.
pub struct Case {
    pub protocol: &'static str,
    /// `made` or `captured`.
    pub source: &'static str,
    pub bytes: usize,
    pub segments: usize,
    /// Commands told in one pass, and allocations made.
    pub commands: usize,
    pub allocations: u64,
    sessions: Vec<Session>,
    payload: Vec<u8>,
    /// Where [`Case::copy`] copies to.
    scratch: RefCell<Vec<u8>>,
    /// The packet path's records, file by file, where they are of this protocol alone.
    pub records: Vec<Vec<Recorded>>,
}

/// A dialogue of every protocol.
pub fn made() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dialogue in dialogue::all() {
        let industrial = by_name(dialogue.protocol).is_some_and(|spec| spec.industrial);
        let records = of_frames(dialogue.protocol, dialogue.frames(if industrial { POLLS } else { FEW }))?;
        let mut case = Case::new(dialogue.protocol, "made");
        for session in sessions(&records) {
            case.add(session, &records);
        }
        ensure!(case.segments > 0, "nothing of {} was shipped", dialogue.protocol);
        case.records.push(records);
        cases.push(case);
    }
    Ok(cases)
}

/// What the captures hold of each protocol, and all of them together, which alone go through the whole engine.
pub fn captured(directory: &Path) -> Result<Vec<Case>> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.to_string_lossy().contains(".pcap"));
    files.sort();
    let (mut cases, mut all) = (BTreeMap::new(), Case::new("all of them", "captured"));
    for file in files {
        let records = of_files(&[file])?;
        for session in sessions(&records) {
            if let Some(protocol) = protocol(&session, &records) {
                all.add(session.clone(), &records);
                cases
                    .entry(protocol)
                    .or_insert_with(|| Case::new(protocol, "captured"))
                    .add(session, &records);
            }
        }
        all.records.push(records);
    }
    Ok(cases.into_values().chain([all]).collect())
}

/// Connections by their ends, each with the places of its frames among the records.
fn sessions(records: &[Recorded]) -> Vec<(Session, Vec<usize>)> {
    let mut all: BTreeMap<Pair, (Session, Vec<usize>)> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        match record.record() {
            Record::Flow(flow) => {
                all.entry(Pair::of(&flow.key, &Segments::default())).or_insert_with(|| {
                    let session = Session {
                        key: flow.key,
                        at: flow.at,
                        flags: flow.packet_flags,
                        segments: Vec::new(),
                    };
                    (session, Vec::new())
                });
            }
            Record::Frame(frame) => {
                if let Some((session, places)) = all.get_mut(&Pair::of(&frame.key, &Segments::default())) {
                    session.segments.push(Segment {
                        key: frame.key,
                        seq: frame.tcp_numbers().map(|(seq, _)| seq),
                        payload: 0..0,
                        wire_len: frame.payload_len,
                    });
                    places.push(at);
                }
            }
            _ => {}
        }
    }
    all.into_values().filter(|(session, _)| !session.segments.is_empty()).collect()
}

/// What a connection turns out to speak.
fn protocol((session, places): &(Session, Vec<usize>), records: &[Recorded]) -> Option<&'static str> {
    let mut connection = Connection::new(&session.key, session.at, session.flags, &Segments::default());
    for (segment, place) in session.segments.iter().zip(places) {
        if let Record::Frame(frame) = records.get(*place)?.record() {
            let side = connection.side(&segment.key);
            decode::feed(
                &mut connection,
                side,
                segment.seq,
                frame.payload(),
                segment.wire_len,
                &mut Vec::new(),
            );
        }
    }
    connection.protocol.map(|spec| spec.name)
}

impl Case {
    fn new(protocol: &'static str, source: &'static str) -> Self {
        let (sessions, payload, records) = (Vec::new(), Vec::new(), Vec::new());
        let (bytes, segments, commands, allocations) = (0, 0, 0, 0);
        let scratch = RefCell::new(vec![0; 1 << 16]);
        Self { protocol, source, bytes, segments, commands, allocations, sessions, payload, scratch, records }
    }

    fn add(&mut self, (mut session, places): (Session, Vec<usize>), records: &[Recorded]) {
        for (segment, place) in session.segments.iter_mut().zip(places) {
            if let Some(Record::Frame(frame)) = records.get(place).map(Recorded::record) {
                let from = self.payload.len();
                self.payload.extend_from_slice(frame.payload());
                segment.payload = from..self.payload.len();
            }
        }
        self.segments += session.segments.len();
        self.bytes = self.payload.len();
        self.sessions.push(session);
    }

    /// Messages of one pass.
    pub fn messages(&self) -> usize {
        if self.commands > 0 { self.commands } else { self.segments }
    }

    /// Counts what one pass tells and allocates.
    pub fn count(&mut self) -> Result<()> {
        let mut commands = 0;
        self.each(|event| commands += usize::from(matches!(event, Event::Command(_))));
        let counted = allocation_counter::measure(|| self.decode());
        (self.commands, self.allocations) = (commands, counted.count_total);
        ensure!(self.bytes > 0, "no payload of {}", self.protocol);
        Ok(())
    }

    /// Copies every payload.
    pub fn copy(&self) {
        let mut to = self.scratch.borrow_mut();
        for segment in self.sessions.iter().flat_map(|session| &session.segments) {
            let from = self.payload.get(segment.payload.clone()).unwrap_or_default();
            if let Some(to) = to.get_mut(..from.len()) {
                to.copy_from_slice(black_box(from));
                black_box(to);
            }
        }
    }

    /// Decodes every payload.
    pub fn decode(&self) {
        self.each(|event| {
            black_box(event);
        });
    }

    fn each(&self, mut told: impl FnMut(&Event)) {
        let mut out = Vec::new();
        for session in &self.sessions {
            let mut connection =
                Connection::new(&session.key, session.at, session.flags, &Segments::default());
            for segment in &session.segments {
                let bytes = self.payload.get(segment.payload.clone()).unwrap_or_default();
                let side = connection.side(&segment.key);
                decode::feed(
                    &mut connection,
                    side,
                    segment.seq,
                    black_box(bytes),
                    segment.wire_len,
                    &mut out,
                );
                out.drain(..).for_each(|event| told(&event));
            }
        }
    }

    /// Gives the records to an engine that knows nothing.
    pub fn engine(&self) {
        for records in &self.records {
            let mut engine = engine(Settings::default());
            records.iter().for_each(|record| engine.record(record.record(), &mut Silent));
            black_box(engine.tallies);
        }
    }
}
