//! `isthmus replay --state`, killed: the next replay of the same files goes on where the last one had saved, and in the end the
//! state is as if nobody had been killed, short of what was in no save and with nothing learned twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use isthmus::mind::Mind;
use isthmus::state::world::Settings;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::conversation::SEC;
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Plant, ordinary_days};

use super::{as_isthmus, empty, kills, left};

/// Days enough for several saves on the way.
fn capture(dir: &Path) -> PathBuf {
    let path = dir.join("days.pcap");
    let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
    write_pcap(&mut out, ordinary_days(&Plant::new(), 3, 8, 1_773_234_000 * SEC)).unwrap();
    path
}

/// Bytes a conversation may have more for each kill: the acknowledgement of a connection's end is told by the flow cache later than
/// the end, and is nobody's; behind a kill, where the connection is not known, it is one of its own.
const LATE: u64 = 128;

fn replay(state: &Path, file: &Path) -> Child {
    let arguments = ["replay", "--learn", "--state", state.to_str().unwrap(), file.to_str().unwrap()];
    as_isthmus(&mut Command::new(std::env::current_exe().unwrap()), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The note of the replay that goes on, as it stands in the state.
fn note(state: &Path) -> Option<String> {
    let db = rusqlite::Connection::open(state.join("isthmus.db")).ok()?;
    db.query_row("SELECT body FROM meta WHERE key = 'replays'", [], |row| row.get(0)).ok()
}

/// What each conversation carried, and how many connections there were in all.
fn learned(mind: &Mind) -> (BTreeMap<String, u64>, u64) {
    let carried = mind.world.conversations.iter().map(|(key, c)| (format!("{key:?}"), c.bytes.iter().sum()));
    (carried.collect(), mind.world.conversations.iter().map(|(_, c)| c.connections).sum())
}

/// The devices, by the names they have inside.
fn devices(mind: &Mind) -> BTreeSet<String> {
    mind.world.hosts.rows().iter().map(|(device, _)| device.to_string()).collect()
}

#[test]
fn a_killed_replay_goes_on_from_its_last_save_and_learns_nothing_twice() {
    let dir = empty("killed-replay");
    let file = capture(&dir);
    let whole = dir.join("whole");
    assert!(replay(&whole, &file).wait().unwrap().success());
    let whole = left(&whole, Settings::default(), 0);
    let (carried_whole, connections_whole) = learned(&whole);
    assert!(note(&dir.join("whole")).is_some_and(|note| note == "[]"), "nothing is left to go on with");

    let mut rng = Rng::new(11);
    let (kills, mut turn, mut rounds) = (kills(3, 100), 0, 0);
    while turn < kills {
        let state = dir.join(format!("state{rounds}"));
        rounds += 1;
        let (mut known, mut killed) = (0, 0);
        loop {
            let before = note(&state);
            let mut child = replay(&state, &file);
            // Mostly some time after a save, sometimes before the first one.
            if !rng.chance(0.2) {
                while child.try_wait().unwrap().is_none() && note(&state) == before {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            std::thread::sleep(Duration::from_micros(rng.range(0, 400_000)));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
            }
            let ended = child.wait().unwrap();
            // Killed or not: it may have come to its end just before.
            if note(&state).is_some_and(|note| note == "[]") {
                break;
            }
            assert!(!ended.success(), "it ended well and left something to go on with");
            (turn, killed) = (turn + 1, killed + 1);
            if !state.join("isthmus.db").exists() {
                continue;
            }
            let mind = left(&state, Settings::default(), turn);
            assert!(mind.world.site.last.0 >= known, "kill {turn}: less is known than before");
            known = mind.world.site.last.0;
        }
        let mind = left(&state, Settings::default(), turn);
        assert!(mind.world.site.graduated && note(&state).is_some_and(|note| note == "[]"));
        assert_eq!(devices(&mind), devices(&whole), "after {killed} kills");
        let (carried, connections) = learned(&mind);
        for (key, bytes) in &carried {
            let once = carried_whole.get(key).copied().unwrap_or(0);
            assert!(*bytes <= once + killed * LATE, "{key}: {bytes} bytes of {once} after {killed} kills");
        }
        let sum = |of: &BTreeMap<String, u64>| of.values().sum::<u64>();
        let (kept, all) = (sum(&carried), sum(&carried_whole));
        println!(
            "{killed} kills: {kept} of {all} bytes, {connections} connections where there were {connections_whole}"
        );
        assert!(kept >= all / 10 * 9, "{kept} of {all} bytes are known after {killed} kills");
        // What went on across a kill is one connection more each time.
        assert!(
            connections <= connections_whole + killed * 128,
            "{connections} of {connections_whole} connections after {killed} kills"
        );
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
