//! What every module here needs: find a capture, replay it through the whole analysis, ask tshark for the same figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use isthmus::detect::finding::Finding;
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::protocol::{Asset, Command as Message, Direction, Malformed, Side, Status, rdp, tls};
use isthmus::source::Source as _;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::World;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::time::Time;

/// Direction and code text of commands, with how often each was seen.
pub type Counts = BTreeMap<(&'static str, String), u64>;

/// Where the captures are: `ISTHMUS_CAPTURES`, or `../shared/captures` beside the repository. Says so where there are
/// none.
pub fn captures() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures"));
    let dir = std::env::var_os("ISTHMUS_CAPTURES").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no captures in {} (set ISTHMUS_CAPTURES)", dir.display());
    None
}

/// Names of all capture files, sorted.
pub fn files() -> Option<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(captures()?)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".pcap"))
        .collect();
    names.sort();
    Some(names)
}

/// One command and the protocol it was decoded by.
pub struct Row {
    pub protocol: &'static str,
    pub command: Message,
}

/// All that the analysis told of one capture.
#[derive(Default)]
pub struct Seen {
    pub commands: Vec<Row>,
    pub malformed: BTreeMap<&'static str, u64>,
    /// Connections by the protocol their content was found to be.
    pub connections: BTreeMap<&'static str, u64>,
    pub assets: Vec<(String, &'static str, Asset)>,
    /// Names that answers on the wire gave to addresses.
    pub names: BTreeMap<String, String>,
    pub rdp: Vec<rdp::Handshake>,
    pub tls: Vec<tls::Handshake>,
    pub findings: Vec<Finding>,
}

impl Seen {
    /// The commands of one protocol.
    pub fn of(&self, protocol: &str) -> impl Iterator<Item = &Message> {
        self.commands.iter().filter(move |row| row.protocol == protocol).map(|row| &row.command)
    }

    /// How often each direction and code of one protocol was seen.
    pub fn counts(&self, protocol: &str) -> Counts {
        let mut counts = Counts::new();
        for command in self.of(protocol) {
            *counts.entry((command.direction.name(), command.code_text.to_string())).or_default() += 1;
        }
        counts
    }

    /// How often one protocol's responses refused with each error code.
    pub fn refused(&self, protocol: &str) -> BTreeMap<u32, u64> {
        let mut refused = BTreeMap::new();
        for command in self.of(protocol) {
            if let Status::Refused(code, _) = command.status {
                *refused.entry(code).or_default() += 1;
            }
        }
        refused
    }
}

impl Observer for Seen {
    fn command(&mut self, connection: &Connection, command: &Message, _: Side, _: Time) {
        let protocol = command.protocol.or_else(|| connection.protocol.map(|spec| spec.name)).unwrap_or("");
        self.commands.push(Row { protocol, command: command.clone() });
    }

    fn rdp(&mut self, _: &Connection, handshake: &rdp::Handshake, _: Time) {
        self.rdp.push(handshake.clone());
    }

    fn tls(&mut self, _: &Connection, handshake: &tls::Handshake, _: Time) {
        self.tls.push(handshake.clone());
    }

    fn asset(&mut self, host: isthmus::state::SiteAddr, asset: &Asset, protocol: &'static str, _: Time) {
        self.assets.push((host.to_string(), protocol, asset.clone()));
    }

    fn malformed(&mut self, connection: &Connection, _: Malformed, _: Time) {
        *self.malformed.entry(connection.protocol.map_or("", |spec| spec.name)).or_default() += 1;
    }

    fn connection(&mut self, connection: &Connection, _: Time) {
        if let Some(spec) = connection.protocol {
            *self.connections.entry(spec.name).or_default() += 1;
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }
}

/// Replays one capture; `None` where there are no captures.
pub fn replay(file: &str, settings: Settings) -> Option<Seen> {
    Some(replay_file(&captures()?.join(file), settings))
}

/// Replays one file.
pub fn replay_file(path: &Path, settings: Settings) -> Seen {
    let mut source = Replay::open(&[path.to_owned()], ReplayOptions::default()).unwrap();
    let mut engine = Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()));
    let mut seen = Seen::default();
    loop {
        let more = source.poll(&mut |record| engine.record(record, &mut seen)).unwrap();
        source.apply(&engine.take_wishes());
        if !more {
            break;
        }
    }
    engine.finish(&mut seen);
    let names = engine.world().names.iter();
    seen.names = names.map(|(address, name)| (address.to_string(), name.to_owned())).collect();
    seen
}

/// `req 3 x2, rsp 3 x2, ntf 4/3 x1` as counts; empty text is no command at all.
pub fn figures(text: &str) -> Counts {
    let mut counts = Counts::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let [direction, code, times] = part.split(' ').collect::<Vec<_>>()[..] else { panic!("{part}") };
        let direction = match direction {
            "req" => Direction::Request,
            "rsp" => Direction::Response,
            "ntf" => Direction::Notification,
            other => panic!("{other} is no direction"),
        };
        counts.insert((direction.name(), code.to_owned()), times[1..].parse().unwrap());
    }
    counts
}

/// As many of each function code as requested, answered alike.
pub fn answered(requests: &str) -> String {
    requests.split(", ").map(|part| format!("req {part}, rsp {part}")).collect::<Vec<_>>().join(", ")
}

/// Captures with how many malformed messages and how many of each command of `protocol` they hold.
pub fn check(protocol: &str, cases: &[(&str, u64, &str)]) {
    for (file, malformed, expected) in cases {
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert_eq!(seen.counts(protocol), figures(expected), "{file}");
        assert_eq!(
            seen.malformed.get(protocol).copied().unwrap_or_default(),
            *malformed,
            "{file}: malformed"
        );
    }
}

/// What tshark prints for these fields of the frames that pass its display filter: a row for each frame, a list of
/// occurrences for each field. `None`, and a word of it, where there is no tshark or no capture.
pub fn tshark(file: &str, filter: &str, fields: &[&str]) -> Option<Vec<Vec<Vec<String>>>> {
    tshark_file(&captures()?.join(file), filter, fields)
}

/// As [`tshark`], of any file.
pub fn tshark_file(path: &Path, filter: &str, fields: &[&str]) -> Option<Vec<Vec<Vec<String>>>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path).args(["-Y", filter, "-T", "fields", "-E", "occurrence=a"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let Ok(output) = command.output() else {
        eprintln!("skipped: tshark is not installed");
        return None;
    };
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    let rows = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            line.split('\t')
                .map(|field| field.split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect())
                .collect()
        })
        .collect();
    Some(rows)
}
