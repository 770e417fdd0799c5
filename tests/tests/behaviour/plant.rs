//! A real plant's 85 seconds: its first part learned, the rest judged, with and without a stranger in it. Skipped where the
//! captures are absent.

use std::path::{Path, PathBuf};

use isthmus::detect::finding::Severity;
use isthmus::incident::Incidents;
use isthmus::state::world::Settings;
use isthmus_tests::conversation::SEC;
use isthmus_tests::payload::s7;

use crate::site::*;

const PARTS: [&str; 3] = ["plant1_s7.pcap", "plant1_modbus.pcap", "plant1_enip.pcap"];
/// An address of the plant's own network that is not in the captures, and its controllers.
const FOREIGN: [u8; 4] = [141, 81, 0, 199];
const S7: [u8; 4] = [141, 81, 0, 146];
const MODBUS: [u8; 4] = [141, 81, 0, 86];

fn captures() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures"));
    let dir = std::env::var_os("ISTHMUS_CAPTURES").map_or(beside, PathBuf::from);
    if !dir.is_dir() {
        eprintln!("skipped: no captures in {} (set ISTHMUS_CAPTURES)", dir.display());
        return None;
    }
    Some(dir)
}

/// A pcap file cut in two at `at` nanoseconds, and its first and last time.
fn cut(file: &Path, at: Option<u64>, name: &str) -> ([PathBuf; 2], u64, u64) {
    let bytes = std::fs::read(file).unwrap();
    let (header, mut rest) = bytes.split_at(24);
    let magic = u32::from_le_bytes(header[..4].try_into().unwrap());
    let unit = match magic {
        0xa1b2_c3d4 => 1000,
        0xa1b2_3c4d => 1,
        other => panic!("{}: magic {other:#x}", file.display()),
    };
    let mut parts = [header.to_vec(), header.to_vec()];
    let (mut first, mut last) = (u64::MAX, 0);
    while rest.len() >= 16 {
        let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let time = u64::from(word(0)) * SEC + u64::from(word(4)) * unit;
        let length = 16 + word(8) as usize;
        (first, last) = (first.min(time), last.max(time));
        let part = usize::from(at.is_some_and(|at| time >= at));
        parts[part].extend(&rest[..length]);
        rest = &rest[length..];
    }
    let paths = [0, 1].map(|n| {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}_{stem}_{n}.pcap"))
    });
    if at.is_some() {
        for (path, part) in paths.iter().zip(&parts) {
            std::fs::write(path, part).unwrap();
        }
    }
    (paths, first, last)
}

/// Learns the first `seconds` and judges the rest together with what `add` puts in at the time judging begins.
fn judged(name: &str, seconds: u64, add: impl FnOnce(&mut Tape, u64)) -> Option<Seen> {
    let dir = captures()?;
    let files: Vec<PathBuf> = PARTS.iter().map(|part| dir.join(part)).collect();
    let start = files.iter().map(|file| cut(file, None, name).1).min()?;
    let at = start + seconds * SEC;
    let cuts: Vec<[PathBuf; 2]> = files.iter().map(|file| cut(file, Some(at), name).0).collect();
    let past: Vec<PathBuf> = cuts.iter().map(|[past, _]| past.clone()).collect();
    let mut rest: Vec<PathBuf> = cuts.iter().map(|[_, rest]| rest.clone()).collect();
    let learning = world(Settings { learn: true, ..Settings::default() });
    let (mut world, _, learned) = replay(learning, Incidents::default(), &past);
    learned.silent();
    world.graduate();
    world.settings.learn = false;
    let mut tape = Tape::new();
    add(&mut tape, at + SEC);
    rest.push(tape.file());
    let (.., seen) = replay(world, Incidents::default(), &rest);
    for path in past.iter().chain(&rest) {
        std::fs::remove_file(path).unwrap();
    }
    Some(seen)
}

#[test]
fn the_rest_of_a_minute_of_a_real_plant_is_ordinary() {
    let Some(seen) = judged("minute", 60, |_, _| ()) else { return };
    seen.silent();
}

#[test]
fn half_a_minute_of_learning_leaves_nothing_above_low() {
    let Some(seen) = judged("half", 30, |_, _| ()) else { return };
    let above: Vec<_> = seen.findings.iter().filter(|f| f.severity > Severity::Low).collect();
    assert!(above.is_empty(), "{:#?}", seen.summaries());
}

#[test]
fn one_write_of_a_foreign_host_is_found_as_a_write() {
    let add = |tape: &mut Tape, at| tape.talk((FOREIGN, MODBUS, 502), at, SEC / 10, &[write(1)]);
    let Some(seen) = judged("write", 60, add) else { return };
    let found = seen.one("new_action");
    assert_eq!((found.actor, found.accepted), (FOREIGN.into(), Some(true)));
    assert_eq!(seen.incidents.len(), 1);
    assert!(
        seen.findings.iter().all(|f| f.actor == isthmus::state::SiteAddr::from(FOREIGN)),
        "{:#?}",
        seen.summaries()
    );
}

#[test]
fn one_szl_read_of_a_foreign_host_is_found_as_discovery() {
    let add = |tape: &mut Tape, at| {
        let mut pairs = s7_opening();
        let records = [vec![0_u8; 28]];
        pairs.push((s7::szl_request(2, 0, 0x11, 0), s7::szl_response(2, 1, 0x11, 0, &records)));
        tape.talk((FOREIGN, S7, 102), at, SEC / 10, &pairs);
    };
    let Some(seen) = judged("szl", 60, add) else { return };
    assert_eq!(seen.one("new_discover").actor, isthmus::state::SiteAddr::from(FOREIGN));
    assert!(seen.of("new_action").is_empty());
    assert_eq!(seen.incidents.len(), 1);
}

#[test]
fn a_scan_of_three_controllers_by_a_foreign_host_is_found_as_a_scan() {
    let add = |tape: &mut Tape, at: u64| {
        for (n, last) in (0..).zip([86, 24, 44]) {
            tape.touch(FOREIGN, [141, 81, 0, last], 502, at + n * SEC / 2);
        }
    };
    let Some(seen) = judged("scan", 60, add) else { return };
    let found = seen.one("ics_scan");
    assert_eq!((found.actor, found.targets_total), (FOREIGN.into(), 3));
    assert_eq!(seen.incidents.len(), 1);
}
