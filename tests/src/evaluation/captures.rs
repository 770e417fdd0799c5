//! Real captures, each with what it should raise: nothing learned, learned itself, and at a plant that never saw it.

mod rows;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use isthmus::detect::finding::Basis;
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::Source as _;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::store::Store;

use super::outcome::{Found, Seen};
pub use rows::rows;

/// What a sensor knows before it is shown a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Past {
    /// Nothing: `--stage operational` without state, as for an analyst who is handed one capture.
    Nothing,
    /// The same capture, declared benign: what was there yesterday.
    Itself,
    /// A real plant that has nothing to do with it: whoever acts is a stranger.
    Plant,
}

impl Past {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Itself, Self::Plant];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Itself => "itself",
            Self::Plant => "another plant",
        }
    }
}

/// What one capture should raise with one past.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Models that must be raised, with another basis than `no_baseline`.
    pub raises: Vec<&'static str>,
    /// Models that may be raised beside them.
    pub may: Vec<&'static str>,
    /// Models that must be raised as `no_baseline`; any other may be.
    pub looks_new: Vec<&'static str>,
}

/// A capture.
pub struct Row {
    /// The file.
    pub file: &'static str,
    /// Whether its truth is an attack, or as good as one.
    pub attack: bool,
    /// By [`Past`], in order.
    expected: [Expected; 3],
    /// Why it cannot be held against that yet; empty: it can.
    pub waits: &'static str,
}

/// What is wrong with what was raised.
pub fn differences(row: &Row, past: Past, findings: &[Found]) -> Vec<String> {
    let expected = row.with(past);
    let mut wrong = Vec::new();
    let raised = |model: &str, as_new: bool| {
        findings.iter().any(|f| f.model == model && (f.basis == Basis::NoBaseline) == as_new)
    };
    wrong.extend(expected.raises.iter().filter(|m| !raised(m, false)).map(|m| format!("{m} is missing")));
    wrong.extend(expected.looks_new.iter().filter(|m| !raised(m, true)).map(|m| format!("{m}? is missing")));
    for f in findings.iter().filter(|f| f.basis != Basis::NoBaseline) {
        if !expected.raises.contains(&f.model.as_str()) && !expected.may.contains(&f.model.as_str()) {
            wrong.push(format!("{} ({}) should not be: {}", f.model, f.basis.name(), f.summary));
        }
    }
    wrong
}

/// The directory of captures: `ISTHMUS_CAPTURES`, or `shared/captures` beside the repository.
pub fn directory() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures"));
    let dir = std::env::var_os("ISTHMUS_CAPTURES").map_or(beside, PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// The captures of one real plant.
pub const PLANT: [&str; 3] = ["plant1_s7.pcap", "plant1_modbus.pcap", "plant1_enip.pcap"];

/// Shows captures to sensors with different pasts.
pub struct Bench {
    directory: PathBuf,
    plant: PathBuf,
}

impl Bench {
    /// Learns the real plant once, into `scratch`.
    ///
    /// # Errors
    /// Where captures cannot be read or the state not be written.
    pub fn new(directory: PathBuf, scratch: &Path) -> Result<Self> {
        let plant = scratch.join("plant");
        let bench = Self { directory, plant };
        let mut engine = bench.learn(&PLANT)?;
        Store::open(&bench.plant)?.save(&mut engine.mind)?;
        Ok(bench)
    }

    /// Everything a capture raises with a past.
    ///
    /// # Errors
    /// Where the capture cannot be read.
    pub fn findings(&self, file: &str, past: Past) -> Result<Vec<Found>> {
        let mut engine = match past {
            Past::Nothing => fresh(Settings { operational: true, ..Settings::default() }),
            Past::Itself => self.learn(&[file])?,
            Past::Plant => {
                let world = World::new(Settings::default(), Zones::default());
                Engine::new(Store::open(&self.plant)?.read(world)?)
            }
        };
        let mut seen = Seen::default();
        self.show(&mut engine, &[file], &mut seen)?;
        Ok(seen.findings)
    }

    /// An engine past learning these files.
    fn learn(&self, files: &[&str]) -> Result<Engine> {
        let mut engine = fresh(Settings { learn: true, ..Settings::default() });
        self.show(&mut engine, files, &mut Silent)?;
        let mut world = engine.mind.world;
        world.graduate();
        world.settings.learn = false;
        Ok(Engine::new(Mind::new(world, engine.mind.incidents)))
    }

    fn show(
        &self,
        engine: &mut Engine,
        files: &[&str],
        observer: &mut dyn isthmus::observer::Observer,
    ) -> Result<()> {
        let paths: Vec<PathBuf> = files.iter().map(|file| self.directory.join(file)).collect();
        let mut source = Replay::open(&paths, ReplayOptions::default())?;
        loop {
            let more = source
                .poll(&mut |record| engine.record(record, observer))
                .with_context(|| files.join(", "))?;
            source.apply(&engine.take_wishes());
            if !more {
                break;
            }
        }
        engine.finish(observer);
        Ok(())
    }
}

fn fresh(settings: Settings) -> Engine {
    Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()))
}
