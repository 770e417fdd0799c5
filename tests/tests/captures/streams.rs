//! The same bytes in other segments are the same commands: every capture's TCP streams split, merged, repeated and put out
//! of order at random.

use std::collections::{BTreeMap, BTreeSet};

use isthmus::protocol::Status;
use isthmus::source::capture::Capture;
use isthmus::state::world::Settings;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::Frame;
use isthmus_tests::rng::Rng;

use crate::helper::{Seen, captures, files, replay_file};

/// Addresses and ports of a segment's sender and receiver, as they stand in the frame.
type Way = [u8; 12];

/// A TCP segment with payload in IPv4, untagged.
struct Segment {
    at_ns: u64,
    way: Way,
    back: Way,
    seq: u32,
    /// Headers up to the payload.
    headers: Vec<u8>,
    payload: Vec<u8>,
}

impl Segment {
    fn read(frame: &[u8], at_ns: u64) -> Option<Self> {
        if frame.get(12..14)? != [8, 0] || frame.get(23)? != &6 {
            return None;
        }
        let tcp = 14 + usize::from(frame[14] & 0xf) * 4;
        let payload = tcp + usize::from(frame.get(tcp + 12)? >> 4) * 4;
        let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        let (from, to) = (frame.get(26..30)?, frame.get(30..34)?);
        let (source, target) = (frame.get(tcp..tcp + 2)?, frame.get(tcp + 2..tcp + 4)?);
        let payload_bytes = frame.get(payload..end).filter(|bytes| !bytes.is_empty())?.to_vec();
        Some(Self {
            at_ns,
            way: [from, to, source, target].concat().try_into().unwrap(),
            back: [to, from, target, source].concat().try_into().unwrap(),
            seq: u32::from_be_bytes(frame[tcp + 4..tcp + 8].try_into().unwrap()),
            headers: frame[..payload].to_vec(),
            payload: payload_bytes,
        })
    }

    /// Bytes `from..to` of the payload as a frame.
    fn piece(&self, from: usize, to: usize) -> Vec<u8> {
        let mut frame = self.headers.clone();
        let tcp = 14 + usize::from(frame[14] & 0xf) * 4;
        let seq = self.seq.wrapping_add(from as u32);
        frame[tcp + 4..tcp + 8].copy_from_slice(&seq.to_be_bytes());
        let total = (self.headers.len() - 14 + to - from) as u16;
        frame[16..18].copy_from_slice(&total.to_be_bytes());
        frame.extend(&self.payload[from..to]);
        frame
    }
}

/// The way that a SYN without data opens.
fn opened(frame: &[u8]) -> Option<Way> {
    if frame.get(12..14)? != [8, 0] || frame.get(23)? != &6 {
        return None;
    }
    let tcp = 14 + usize::from(frame[14] & 0xf) * 4;
    let syn = frame.get(tcp + 13)? & 2 != 0;
    let way = [frame.get(26..34)?, frame.get(tcp..tcp + 4)?].concat();
    syn.then(|| way.try_into().unwrap())
}

/// Segments of one way that follow each other without the other end having said anything, as random pieces in a random
/// order: no piece moves further than three places, and the first of a stream that was joined in the middle stays where it
/// is, because nothing says that it is not the first.
fn shuffled(run: &Segment, stays: bool, rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < run.payload.len() {
        let longest = if rng.chance(0.3) { 8 } else { 1400 };
        let to = run.payload.len().min(at + rng.range(1, longest + 1) as usize);
        pieces.push(run.piece(at, to));
        if rng.chance(0.1) {
            pieces.push(run.piece(at, to));
        }
        at = to;
    }
    for at in usize::from(stays)..pieces.len() {
        let to = pieces.len().min(at + 3);
        let other = rng.range(at as u64, to as u64) as usize;
        pieces.swap(at, other);
    }
    pieces
}

/// A capture's frames with its TCP payload cut anew; `None` where a stream has holes or cut frames, because what is read
/// behind a gap depends on where segments begin.
fn cut_anew(name: &str, seed: u64) -> Option<Vec<Frame>> {
    let mut rng = Rng::named(seed, name);
    let mut capture = Capture::open(&captures()?.join(name)).unwrap();
    let mut out: Vec<Frame> = Vec::new();
    let mut next: BTreeMap<Way, u32> = BTreeMap::new();
    // Ways whose first byte is known: by their SYN, or because it passed.
    let mut begun: BTreeSet<Way> = BTreeSet::new();
    let mut run: Option<Segment> = None;
    let flush = |run: Option<Segment>, begun: &mut BTreeSet<Way>, out: &mut Vec<Frame>, rng: &mut Rng| {
        let Some(run) = run else { return };
        let joined = begun.insert(run.way);
        let frames = shuffled(&run, joined, rng).into_iter().zip(run.at_ns..);
        out.extend(frames.map(|(bytes, at_ns)| Frame { at_ns, leg: 0, bytes }));
    };
    while let Some(packet) = capture.next() {
        let packet = packet.unwrap();
        let whole = packet.frame.len() == packet.wire_len as usize;
        let Some(segment) = Segment::read(&packet.frame, packet.at.0) else {
            flush(run.take(), &mut begun, &mut out, &mut rng);
            begun.extend(opened(&packet.frame));
            out.push(Frame { at_ns: packet.at.0, leg: 0, bytes: packet.frame.into_owned() });
            continue;
        };
        let expected = *next.entry(segment.way).or_insert(segment.seq);
        if !whole || segment.seq != expected || segment.way == segment.back {
            return None;
        }
        next.insert(segment.way, expected.wrapping_add(segment.payload.len() as u32));
        match &mut run {
            Some(run) if run.way == segment.way && run.payload.len() < 4000 && rng.chance(0.7) => {
                run.payload.extend(segment.payload);
            }
            _ => flush(run.replace(segment), &mut begun, &mut out, &mut rng),
        }
    }
    flush(run.take(), &mut begun, &mut out, &mut rng);
    Some(out)
}

/// Code, status, unit and object of each command, in order, by protocol and direction.
type Told = BTreeMap<(&'static str, &'static str), Vec<(String, Status, Option<u32>, Option<String>)>>;

/// What was decoded.
fn told(seen: &Seen) -> Told {
    let mut told = Told::new();
    for row in &seen.commands {
        let command = &row.command;
        let key = (row.protocol, command.direction.name());
        let object = command.object.as_ref().map(ToString::to_string);
        let what = (command.code_text.to_string(), command.status.clone(), command.unit, object);
        told.entry(key).or_default().push(what);
    }
    told
}

#[test]
fn the_same_bytes_in_other_segments_are_the_same_commands() {
    let mut tried = 0;
    for file in files().unwrap_or_default() {
        let path = captures().unwrap().join(&file);
        let once = replay_file(&path, Settings::default());
        // Large captures repeat themselves.
        let seeds = if std::fs::metadata(&path).unwrap().len() > 500_000 { 1 } else { 5 };
        for seed in 0..seeds {
            let Some(frames) = cut_anew(&file, seed) else { break };
            let other =
                std::env::temp_dir().join(format!("isthmus-{}-{seed}-{file}.pcap", std::process::id()));
            write_pcap(&mut std::fs::File::create(&other).unwrap(), frames).unwrap();
            let again = replay_file(&other, Settings::default());
            std::fs::remove_file(&other).unwrap();
            let (once, again) = (told(&once), told(&again));
            for (key, commands) in &once {
                let theirs = again.get(key).map_or(&[][..], Vec::as_slice);
                let differs = commands.iter().zip(theirs).position(|(a, b)| a != b);
                assert!(
                    commands == theirs,
                    "{file}, seed {seed}, {key:?}: {} commands and {}, first other at {differs:?}",
                    commands.len(),
                    theirs.len()
                );
            }
            assert_eq!(once.len(), again.len(), "{file}, seed {seed}");
            tried += usize::from(!once.is_empty());
        }
    }
    assert!(tried > 50 || files().is_none(), "only {tried} captures without holes");
}
