//! The state itself, saved as often as it can be: the process is killed within moments of a save, mostly in the middle of one.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use isthmus::engine::Engine;
use isthmus::observer::Silent;
use isthmus::source::capture::Packet;
use isthmus::source::replay::ReplayOptions;
use isthmus::source::replay::frames::Frames;
use isthmus::source::{Record, Source as _};
use isthmus::state::world::Settings;
use isthmus::store::Store;
use isthmus::time::Time;
use isthmus_tests::conversation::{DAY, SEC};
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant};

use super::{empty, kills, left, world};

/// Set in the process that is killed: the state directory and the number of its turn.
const STATE: &str = "ISTHMUS_TEST_KILLED_STATE";
const TURN: &str = "ISTHMUS_TEST_KILLED_TURN";

fn settings() -> Settings {
    // Judged at once, so that there are findings and incidents to lose.
    Settings { site_days: 0, device_days: 1, ..Settings::default() }
}

/// The sensor that is killed: it says after each save up to when it knows.
#[test]
fn works_until_it_is_killed() {
    let (Some(dir), Ok(turn)) = (std::env::var_os(STATE), std::env::var(TURN)) else { return };
    let mut store = Store::open(&PathBuf::from(dir)).unwrap();
    let mut engine = Engine::new(store.read(world(settings())).unwrap());
    let turn: u64 = turn.parse().unwrap();
    // Half a day each: within what is kept, however often.
    let start = 1_773_234_000 * SEC + turn * (DAY / 2);
    let mut options = IncidentOptions::new(start, turn);
    (options.rdp_up, options.rdp_down, options.stop) = (400_000, 400_000, true);
    let packets = Incident::new(&Plant::new(), &options).into_frames().map(|frame| Packet {
        at: Time(frame.at_ns),
        interface: u32::from(frame.leg),
        wire_len: frame.bytes.len() as u32,
        frame: Cow::Owned(frame.bytes),
    });
    let mut source = Frames::new(packets, ReplayOptions { sets: 1 << 10, ..ReplayOptions::default() });
    let mut out = std::io::stdout();
    loop {
        let more = source
            .poll(&mut |record| {
                let tick = matches!(record, Record::Tick(_));
                engine.record(record, &mut Silent);
                if tick {
                    store.save(&mut engine.mind).unwrap();
                    writeln!(out, "\nsaved {}", engine.mind.world.site.last.0).unwrap();
                    out.flush().unwrap();
                }
            })
            .unwrap();
        source.apply(&engine.take_wishes());
        if !more {
            return;
        }
    }
}

/// Runs the sensor, kills it after it saved for the first time and `further` more; returns up to when it said it knew.
fn run_and_kill(dir: &Path, turn: u64, further: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::works_until_it_is_killed", "--exact", "--nocapture"])
        .env(STATE, dir)
        .env(TURN, turn.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let saved = |line: &str| line.strip_prefix("saved ").and_then(|ns| ns.parse::<u64>().ok());
    let mut last = lines.by_ref().map_while(Result::ok).find_map(|line| saved(&line)).expect("a first save");
    std::thread::sleep(further);
    child.kill().unwrap();
    child.wait().unwrap();
    // A line cut by the kill has lost digits: only whole ones are longer than any of them.
    for line in lines.map_while(Result::ok) {
        if let Some(at) = saved(&line) {
            last = last.max(at);
        }
    }
    last
}

#[test]
fn a_killed_sensor_loses_at_most_what_it_had_not_saved() {
    let dir = empty("killed");
    let kills = kills(40, 400);
    let mut rng = Rng::new(7);
    let (mut findings, mut hosts) = (0, 0);
    for turn in 1..=kills {
        let further = Duration::from_micros(rng.range(0, 60_000));
        let saved = run_and_kill(&dir, turn, further);

        let mind = left(&dir, settings(), turn);
        let known = mind.world.site.last.0;
        assert!(known >= saved, "kill {turn}: {saved} was saved, {known} is known");
        // A cut line may be short of one save, and the process may have saved once more before it died.
        assert!(known <= saved + 30 * SEC, "kill {turn}: {saved} was said, {known} is known");
        let (now, seen) = (mind.incidents.findings().count(), mind.world.hosts.len());
        assert!(now >= findings && seen >= hosts, "kill {turn}: {findings} findings became {now}");
        (findings, hosts) = (now, seen);
    }
    assert!(hosts > 30, "only {hosts} hosts were ever learned");
    std::fs::remove_dir_all(&dir).unwrap();
}
