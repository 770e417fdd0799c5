//! Evidence of the story's incident: what is in the files, read by this program and by an independent one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufWriter;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use isthmus::config::EvidenceConfig;
use isthmus::detect::finding::Finding;
use isthmus::engine::Engine;
use isthmus::incident::{Incident, Incidents};
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::output::evidence::{Evidence, Figures};
use isthmus::source::Source as _;
use isthmus::source::capture::Merged;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::time::Time;
use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::scenario::{Incident as Story, IncidentOptions, Plant, parse_time};

/// A directory that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("isthmus-evidence-{name}-{}", std::process::id()));
        let _left_by_a_run_that_was_killed = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("directory");
        Self(dir)
    }

    /// The afternoon of the story, as a capture.
    fn story(&self) -> PathBuf {
        let mut options = IncidentOptions::new(parse_time("2026-03-11T13:00:00Z").expect("a time"), 1);
        (options.rdp_up, options.rdp_down, options.stop, options.download) = (400_000, 800_000, true, true);
        let path = self.0.join("story.pcap");
        let mut out = BufWriter::new(File::create(&path).expect("file"));
        write_pcap(&mut out, Story::new(&Plant::new(), &options).into_frames()).expect("written");
        path
    }

    fn files(&self, dir: &str) -> BTreeMap<String, PathBuf> {
        let entries = fs::read_dir(self.0.join(dir)).expect("directory").flatten();
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing more can be done where it is gone already.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Replays a capture with every device judged at once. `watch`: watched by hand from the beginning.
fn replay(
    capture: &Path,
    dir: &Path,
    config: &EvidenceConfig,
    before: Incidents,
    watch: Option<IpAddr>,
) -> (Engine, Figures) {
    let world = World::new(Settings { operational: true, ..Settings::default() }, Zones::default());
    let mut mind = Mind::new(world, before);
    if let Some(ip) = watch {
        mind.watch(ip, Time(u64::MAX));
    }
    let mut evidence = Evidence::open(dir, config, BTreeMap::new(), &mind).expect("directory");
    let mut engine = Engine::new(mind);
    let mut source = Replay::open(&[capture.to_owned()], ReplayOptions::default()).expect("capture");
    let mut more = true;
    while more {
        more = source
            .poll(&mut |record| {
                engine.record(record, &mut Silent);
                evidence.record(&record, &engine.mind);
            })
            .expect("readable");
        source.apply(&engine.take_wishes());
        source.apply(&evidence.take_wishes());
    }
    engine.finish(&mut Silent);
    evidence.flush(engine.now(), &engine.mind);
    evidence.check().expect("written");
    (engine, evidence.figures())
}

/// Time, source and destination of the IPv4 frames of a capture, on one VLAN tag or none.
fn frames(path: &Path) -> Vec<(u64, [IpAddr; 2])> {
    let mut all = Vec::new();
    let mut files = Merged::open(&[path.to_owned()]).expect("readable");
    while let Some(packet) = files.next() {
        let packet = packet.expect("whole");
        let at = if packet.frame[12..14] == [0x81, 0] { 18 } else { 14 };
        assert_eq!(packet.frame[at - 2..at], [8, 0], "an IPv4 frame");
        let ip = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&packet.frame[at..at + 4]).expect("four"));
        all.push((packet.at.0, [ip(at + 12), ip(at + 16)]));
    }
    all
}

fn findings<'a>(engine: &'a Engine, incident: &Incident) -> Vec<&'a Finding> {
    incident.findings.iter().filter_map(|number| engine.mind.incidents.finding(*number)).collect()
}

/// `None` where it is not installed.
fn tshark(path: &Path, filter: &str, fields: &[&str]) -> Option<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(path).args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("utf-8"))
}

#[test]
fn a_file_begins_before_the_trigger_holds_it_and_nobody_elses_frames() {
    let scratch = Scratch::new("story");
    let dir = scratch.0.join("e");
    let (engine, figures) =
        replay(&scratch.story(), &dir, &EvidenceConfig::default(), Incidents::default(), None);
    let incidents: Vec<&Incident> = engine.mind.incidents.iter().collect();
    assert!(!incidents.is_empty(), "the story has an incident");
    assert_eq!(figures.full, 0);
    let mut written = 0;
    for incident in incidents {
        let path = dir.join(format!("incident-{}.pcapng", incident.number));
        let frames = frames(&path);
        written += frames.len() as u64;
        let findings = findings(&engine, incident);
        let trigger = findings.iter().map(|finding| finding.at.0).min().expect("a finding");
        assert!(frames[0].0 < trigger, "{} begins at its trigger", path.display());
        assert!(frames.iter().any(|(at, _)| *at >= trigger), "and ends before it");
        // Every controller that was made to do something was told so in a frame that is there.
        for finding in
            findings.iter().filter(|f| matches!(f.model.as_str(), "reprogram" | "controller_state"))
        {
            let there =
                frames.iter().any(|(at, ends)| *at == finding.at.0 && ends.contains(&finding.actor.ip));
            assert!(there, "{} at {}", finding.summary, finding.at);
        }
        let actors: BTreeSet<IpAddr> = incident.actors.iter().map(|actor| actor.ip).collect();
        let hosts: BTreeSet<IpAddr> = findings
            .iter()
            .flat_map(|finding| finding.targets.iter().map(|target| target.ip.ip))
            .chain(actors.iter().copied())
            .collect();
        for (at, ends) in &frames {
            let acts = ends.iter().any(|end| actors.contains(end));
            assert!(acts || ends.iter().all(|end| hosts.contains(end)), "{ends:?} at {at}");
        }
    }
    assert_eq!(written, figures.written);
    let dirty = scratch.files("e").into_keys().filter(|name| !name.ends_with(".pcapng")).collect::<Vec<_>>();
    assert_eq!(dirty, Vec::<String>::new(), "nothing is left half written");
}

#[test]
fn an_independent_reader_finds_the_file_clean_and_each_finding_named_at_its_frame() {
    let scratch = Scratch::new("tshark");
    let dir = scratch.0.join("e");
    let (engine, _) = replay(&scratch.story(), &dir, &EvidenceConfig::default(), Incidents::default(), None);
    for incident in engine.mind.incidents.iter() {
        let path = dir.join(format!("incident-{}.pcapng", incident.number));
        let Some(said) = tshark(&path, "frame.comment", &["frame.time_epoch", "frame.comment"]) else {
            return;
        };
        for finding in findings(&engine, incident) {
            let name = format!("Incident {}, finding {} at ", incident.number, finding.number);
            assert_eq!(said.matches(&name).count(), 1, "finding {} in\n{said}", finding.number);
        }
        let clean = tshark(&path, "_ws.malformed || frame.time_delta < 0", &["frame.number"]);
        assert_eq!(clean.as_deref(), Some(""));
        // Times are whole nanoseconds, as captured.
        let first = tshark(&path, "frame.number == 1", &["frame.time_epoch"]).expect("installed");
        let (seconds, fraction) = first.trim().split_once('.').expect("a fraction");
        let at: u64 = format!("{seconds}{fraction}").parse().expect("nine digits");
        assert_eq!(at, frames(&path)[0].0);
    }
}

#[test]
fn the_same_capture_gives_the_same_bytes() {
    let scratch = Scratch::new("same");
    let story = scratch.story();
    let bytes = |dir: &str| -> BTreeMap<String, Vec<u8>> {
        replay(&story, &scratch.0.join(dir), &EvidenceConfig::default(), Incidents::default(), None);
        let files = scratch.files(dir).into_iter();
        files.map(|(name, path)| (name, fs::read(path).expect("readable"))).collect()
    };
    let first = bytes("a");
    assert!(first == bytes("b"));
    // A new analysis begins its files anew.
    assert!(first == bytes("a"));
}

#[test]
fn the_number_of_files_is_bounded_and_the_oldest_makes_room() {
    let scratch = Scratch::new("bounded");
    let dir = scratch.0.join("e");
    fs::create_dir_all(&dir).expect("directory");
    for name in ["incident-900.pcapng", "incident-901.pcapng", "incident-7.pcapng.tmp", "notes.txt"] {
        fs::write(dir.join(name), b"old").expect("file");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let config = EvidenceConfig { files: 2, ..EvidenceConfig::default() };
    let (engine, figures) = replay(&scratch.story(), &dir, &config, Incidents::default(), None);
    let incidents = engine.mind.incidents.iter().count();
    assert!(incidents >= 1);
    let names: Vec<String> = scratch.files("e").into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".pcapng")).count(), 2, "{names:?}");
    assert!(!names.contains(&"incident-900.pcapng".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");
    assert!(names.contains(&"notes.txt".to_owned()), "somebody else's: {names:?}");
    assert!(figures.removed >= 1);
}

#[test]
fn a_host_watched_by_hand_has_its_frames_whole_whatever_they_carry() {
    let scratch = Scratch::new("watch");
    let dir = scratch.0.join("e");
    let story = scratch.story();
    let host = IpAddr::from([10, 20, 0, 5]);
    replay(&story, &dir, &EvidenceConfig::default(), Incidents::default(), Some(host));
    let watched = frames(&dir.join("watch-10.20.0.5.pcapng"));
    assert!(watched.iter().all(|(_, ends)| ends.contains(&host)));
    // All but those of the first tenth of a second, after which the packet path knows, and some of every kind: also
    // handshakes, which carry nothing.
    let mut all = 0;
    let mut files = Merged::open(&[story]).expect("readable");
    let begin = files.next_at().expect("a packet").0;
    while let Some(packet) = files.next() {
        let packet = packet.expect("whole");
        let at = if packet.frame[12..14] == [0x81, 0] { 18 } else { 14 };
        let ends = [&packet.frame[at + 12..at + 16], &packet.frame[at + 16..at + 20]];
        let ip = packet.frame[at - 2..at] == [8, 0];
        // A second to be told to watch, and a tenth to take effect.
        if ip && packet.at.0 > begin + 1_200_000_000 && ends.contains(&&[10, 20, 0, 5][..]) {
            all += 1;
        }
    }
    assert!(all > 100);
    assert!(watched.len() >= all, "{} of {all}", watched.len());
}
