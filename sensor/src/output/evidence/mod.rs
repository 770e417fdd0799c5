//! Packets that prove an incident: a pcapng each, which begins before its trigger.
//!
//! Every frame the packet path ships is kept for some minutes. When an incident is there, frames of its actors, and
//! between its targets, are written, from before the finding until it has been quiet for a while or the file is full; its
//! hosts are put on the packet path's watch list, so that their frames are shipped whole whatever they carry. Each
//! finding stands as a comment on the frame it was raised at.
//!
//! Memory, file sizes and the number of files are bounded; what does not fit is counted.

mod case;
mod directory;
mod file;
mod memory;
mod pcapng;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::config::EvidenceConfig;
use crate::incident::{Incident, State};
use crate::mind::Mind;
use crate::source::{Record, Wish};
use crate::state::address::words;
use crate::state::connection::ends;
use crate::time::Time;
use case::Case;
use directory::Directory;
use memory::Memory;

/// Incidents and watched hosts written at once; the newest are.
const MAX_CASES: usize = 64;
/// An incident is written on for this long after its last finding.
const LINGER: Duration = Duration::from_secs(600);
/// Hosts stay on the packet path's watch list for this long.
const WATCH: Duration = Duration::from_secs(60);
/// How long before that they are put on it again.
const RENEW: Duration = Duration::from_secs(30);
/// Targets of an incident that are watched, beside its actors: evidence of an attack must not become a flood.
const WATCHED_TARGETS: usize = 16;

/// What was kept and written, from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes of memory in use.
    pub held_bytes: u64,
    /// Frames in memory.
    pub held_frames: u64,
    /// Frames written.
    pub written: u64,
    /// Frames of an incident that found its file full.
    pub full: u64,
    /// Attempts to write that the disk refused.
    pub failed: u64,
    /// Files there are.
    pub files: u64,
    /// Older files that made room.
    pub removed: u64,
}

/// Why a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Incident(u64),
    Host(IpAddr),
}

/// The evidence of one sensor.
pub struct Evidence {
    memory: Memory,
    directory: Directory,
    /// Names of interfaces, by slot.
    names: BTreeMap<u8, String>,
    cases: BTreeMap<About, Case>,
    /// Incidents that were there before, whose files are gone on with: the last finding that stands in them, the first
    /// frame that was not looked at.
    before: BTreeMap<u64, (u64, u64)>,
    file_bytes: u64,
    wishes: Vec<Wish>,
    /// The first frame that was not looked at since the last flush.
    unseen: u64,
    unseen_bytes: usize,
    memory_bytes: usize,
    figures: Figures,
}

impl Evidence {
    /// Into `dir`, made if there is none. `names` are those of interfaces by slot; `mind` knows what incidents there are
    /// already.
    ///
    /// # Errors
    /// Where the directory cannot be made or written.
    pub fn open(
        dir: &Path,
        config: &EvidenceConfig,
        names: BTreeMap<u8, String>,
        mind: &Mind,
    ) -> Result<Self> {
        let memory_bytes = (config.memory_mib as usize) << 20;
        Ok(Self {
            memory: Memory::new(memory_bytes, u64::from(config.seconds).saturating_mul(Time::SECOND)),
            directory: Directory::open(dir, config.files as usize)?,
            names,
            cases: BTreeMap::new(),
            before: mind
                .incidents
                .iter()
                .map(|incident| (incident.number, (incident.findings.iter().copied().max().unwrap_or(0), 0)))
                .collect(),
            file_bytes: u64::from(config.file_mib) << 20,
            wishes: Vec::new(),
            unseen: 0,
            unseen_bytes: 0,
            memory_bytes,
            figures: Figures::default(),
        })
    }

    /// Takes in a record; the engine has taken it in before.
    pub fn record(&mut self, record: &Record<'_>, mind: &Mind) {
        match record {
            Record::Frame(event) => {
                // Nothing that may be wanted is forgotten unseen.
                if self.unseen_bytes >= self.memory_bytes / 2 {
                    self.flush(event.at, mind);
                }
                self.unseen_bytes = self.unseen_bytes.saturating_add(event.frame.len());
                let (source, destination) = ends(&event.key, &mind.world.segments);
                self.memory.keep(event, [source.ip, destination.ip]);
            }
            Record::Tick(at) => self.flush(*at, mind),
            _ => {}
        }
    }

    /// Hosts to watch, since the last call.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// What was kept and written.
    pub fn figures(&self) -> Figures {
        Figures {
            held_bytes: self.memory.held() as u64,
            held_frames: self.memory.len() as u64,
            files: self.directory.len() as u64,
            removed: self.directory.removed,
            ..self.figures
        }
    }

    /// Whether everything was written.
    ///
    /// # Errors
    /// Where the disk refused.
    pub fn check(&self) -> Result<()> {
        let failed = self.figures.failed;
        anyhow::ensure!(
            failed == 0,
            "evidence could not be written {failed} times; see the warnings, free some space"
        );
        Ok(())
    }

    /// Writes what is wanted of what came since the last call.
    pub fn flush(&mut self, now: Time, mind: &Mind) {
        self.settle_cases(now, mind);
        let memory = &self.memory;
        for (about, case) in &mut self.cases {
            let (hosts, comments) = match about {
                About::Incident(number) => {
                    let Some(incident) = mind.incidents.get(*number) else { continue };
                    case.follow(incident, mind, memory)
                }
                About::Host(ip) => (case::Hosts::one(*ip), BTreeMap::new()),
            };
            let before = (case.capture.frames, case.capture.refused);
            case.collect(hosts, comments, memory, &self.names, self.unseen);
            if case.capture.begins() {
                self.directory.begin(case.capture.path());
            }
            if let Err(error) = case.capture.flush() {
                self.figures.failed = self.figures.failed.saturating_add(1);
                if !std::mem::replace(&mut case.complained, true) {
                    tracing::warn!("{}: cannot write evidence: {error}", case.capture.path().display());
                }
            }
            let more = |now: u64, before: u64| now.saturating_sub(before);
            self.figures.written = self.figures.written.saturating_add(more(case.capture.frames, before.0));
            self.figures.full = self.figures.full.saturating_add(more(case.capture.refused, before.1));
            let due = case.watched.is_none_or(|last| now.since(last) >= WATCH.saturating_sub(RENEW));
            if due && !case.capture.is_full() {
                case.watched = Some(now);
                self.wishes.extend(case.hosts.watched().map(|host| Wish::Watch(host, WATCH)));
            }
        }
        self.unseen = self.memory.next();
        self.unseen_bytes = 0;
    }

    /// Opens what is new, closes what is over.
    fn settle_cases(&mut self, now: Time, mind: &Mind) {
        let live = |incident: &&Incident| {
            matches!(incident.state, State::Open | State::Acknowledged) && now.since(incident.last) < LINGER
        };
        let mut wanted: BTreeSet<About> =
            mind.incidents.iter().filter(live).map(|incident| About::Incident(incident.number)).collect();
        wanted.extend(mind.watched.iter().filter(|(_, until)| **until > now).map(|(ip, _)| About::Host(*ip)));
        while wanted.len() > MAX_CASES {
            wanted.pop_first();
        }
        self.cases.retain(|about, case| {
            let live = wanted.contains(about);
            if let (false, About::Incident(number)) = (live, about) {
                self.before.insert(*number, (case.told, self.unseen));
            }
            live
        });
        // As many as incidents are remembered.
        self.before.retain(|number, _| mind.incidents.get(*number).is_some());
        for about in wanted {
            if self.cases.contains_key(&about) {
                continue;
            }
            let (name, comments, before) = match about {
                About::Incident(number) => {
                    let title = mind.incidents.get(number).map_or("", |incident| incident.title.as_str());
                    let before = self.before.get(&number).copied();
                    (format!("incident-{number}"), format!("Incident {number}: {title}"), before)
                }
                About::Host(ip) => {
                    // Colons mean something to other systems.
                    let name = format!("watch-{}", ip.to_string().replace(':', "-"));
                    (name, format!("Frames of {ip}, watched by hand"), Some((0, self.unseen)))
                }
            };
            let path = self.directory.path(&name);
            let comments = vec![case::plain(&comments)];
            let capture = file::Capture::new(path, self.file_bytes, comments, before.is_some());
            let (told, from) = before.unwrap_or_default();
            self.cases.insert(about, Case::new(capture, told, from));
        }
    }
}

impl case::Hosts {
    /// Those put on the packet path's list.
    fn watched(&self) -> impl Iterator<Item = [u64; 2]> {
        let named = self.actors.iter().chain(self.targets.iter().take(WATCHED_TARGETS));
        named.map(|host| words(*host)).chain(self.anywhere.map(words))
    }

    /// Whoever has this address.
    fn one(ip: IpAddr) -> Self {
        Self { anywhere: Some(ip), ..Self::default() }
    }
}
