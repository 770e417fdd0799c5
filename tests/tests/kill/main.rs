//! `kill -9` at any moment breaks nothing, and loses at most what had not been saved yet: of what uses the state, of a replay, and
//! of a running sensor, again and again, each going on from what the one before left.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

mod live;
mod replay;
mod store;
#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use isthmus::mind::Mind;
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::store::Store;

/// Set in a process that is `isthmus`: its arguments, one a line.
const ARGUMENTS: &str = "ISTHMUS_TEST_KILLED_ARGUMENTS";

/// The program itself, in a process that can be killed. (Its own file may be older than this test.)
#[test]
fn is_isthmus() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments = std::iter::once("isthmus").chain(arguments.lines()).map(OsString::from);
    let code = isthmus::cli::main_with(arguments);
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

/// Turns `command`, which runs this test program, into one that runs `isthmus` with these arguments.
fn as_isthmus<'a>(command: &'a mut Command, arguments: &[&str]) -> &'a mut Command {
    command.args(["is_isthmus", "--exact", "--nocapture"]).env(ARGUMENTS, arguments.join("\n"))
}

fn world(settings: Settings) -> World {
    World::new(settings, Zones::default())
}

/// A directory of this test that is empty.
fn empty(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _there_may_be_none = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// What a killed process left: not one page of it broken, and all of it can be read.
fn left(dir: &Path, settings: Settings, turn: u64) -> Mind {
    let db = rusqlite::Connection::open(dir.join("isthmus.db")).unwrap();
    let intact: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok", "after kill {turn}");
    drop(db);
    let mind = Store::open(dir).unwrap().read(world(settings)).unwrap();
    for incident in mind.incidents.iter() {
        for number in &incident.findings {
            assert!(mind.incidents.finding(*number).is_some(), "kill {turn}: finding {number} is gone");
        }
    }
    mind
}

/// How often to kill: few where tests run always, hundreds where all do.
fn kills(few: u64, many: u64) -> u64 {
    if std::env::var_os("ISTHMUS_TEST_ALL").is_some() { many } else { few }
}
