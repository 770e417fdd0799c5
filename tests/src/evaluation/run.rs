//! Scenarios through the engine.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use isthmus::config::{self, Config};
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::{Observer, Silent};
use isthmus::source::Source as _;
use isthmus::source::capture::Packet;
use isthmus::source::replay::ReplayOptions;
use isthmus::source::replay::frames::Frames;
use isthmus::state::World;
use isthmus::store::Store;
use isthmus::time::Time;

use super::outcome::{Outcome, Seen};
use crate::conversation::{DAY, Frame};
use crate::scenario::Plant;
use crate::scenario::family::{Deed, Family, past};

/// What is the same for every family and seed.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Days of benign past.
    pub days: u64,
    /// When the past ends and families begin, in nanoseconds since 1970.
    pub start_ns: u64,
    /// Cut benign families to so many days.
    pub shortened: Option<u64>,
}

/// Lets the engine analyse frames. Nothing is closed at the end.
///
/// # Errors
/// None that frames from memory could cause.
pub fn analyse(
    engine: &mut Engine,
    frames: impl Iterator<Item = Frame>,
    observer: &mut dyn Observer,
) -> Result<()> {
    // A small cache costs nothing here and is as good as the kernel's: the rule is the same.
    analyse_with(engine, frames, observer, ReplayOptions { sets: 1 << 12, ..ReplayOptions::default() })
}

/// As [`analyse`], through a flow cache of a given size.
///
/// # Errors
/// None that frames from memory could cause.
pub fn analyse_with(
    engine: &mut Engine,
    frames: impl Iterator<Item = Frame>,
    observer: &mut dyn Observer,
    options: ReplayOptions,
) -> Result<()> {
    let packets = frames.map(|frame| Packet {
        at: Time(frame.at_ns),
        interface: u32::from(frame.leg),
        wire_len: u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX),
        frame: Cow::Owned(frame.bytes),
    });
    let mut source = Frames::new(packets, options);
    loop {
        let more = source.poll(&mut |record| engine.record(record, observer))?;
        source.apply(&engine.take_wishes());
        if !more {
            return Ok(());
        }
    }
}

fn world(config: &Config, days: u64) -> World {
    let mut settings = config.settings();
    // A device that shows itself on the first day is known on the last.
    settings.site_days = u32::try_from(days.saturating_sub(1)).unwrap_or(u32::MAX).min(settings.site_days);
    let mut world = World::new(settings, config.zones());
    world.configure(config);
    world
}

/// A sensor's memory of the benign past of one seed, on disk; removed when dropped.
pub struct Learned {
    directory: PathBuf,
    seed: u64,
    method: Method,
    /// Findings while learning: there should be none.
    pub findings: usize,
    /// Frames learned from.
    pub frames: u64,
}

impl Learned {
    /// Learns as a sensor does in its first days: nothing is declared benign, it only watches.
    ///
    /// # Errors
    /// Where the state cannot be written to `directory`.
    pub fn learn(seed: u64, method: Method, directory: &Path) -> Result<Self> {
        let directory = directory.join(format!("seed-{seed}"));
        let mut store = Store::open(&directory)?;
        let mut engine = Engine::new(Mind::new(world(&Config::default(), method.days), Incidents::default()));
        let mut seen = Seen::default();
        let mut frames = 0_u64;
        let past = past(&Plant::new(), seed, method.days, method.start_ns).inspect(|_| frames += 1);
        analyse(&mut engine, past, &mut seen)?;
        store.save(&mut engine.mind)?;
        // The last day is judged already: a sensor that knows the rest is at work.
        let at_work = method.start_ns.saturating_sub(DAY);
        let findings = seen.findings.iter().filter(|found| found.at_ns < at_work).count();
        Ok(Self { directory, seed, method, findings, frames })
    }

    /// A sensor started again with this memory, under a configuration.
    fn start(&self, config: &Config) -> Result<Engine> {
        let world = world(config, self.method.days);
        Ok(Engine::new(Store::open(&self.directory)?.read(world)?))
    }
}

impl Drop for Learned {
    fn drop(&mut self) {
        // What cannot be removed is in a directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Plays a family to a sensor that has learned, and holds what it says against the truth.
///
/// # Errors
/// Where the family's configuration or the stored memory cannot be read.
pub fn judge(family: &Family, learned: &Learned) -> Result<Outcome> {
    let config = config::parse(family.id, family.config)
        .with_context(|| format!("the configuration of family {}", family.id))?;
    let mut engine = learned.start(&config)?;
    engine.mind.review(&mut Silent);
    let method = learned.method;
    let play = family.play(&Plant::new(), learned.seed, method.start_ns, method.shortened);
    let (mut seen, mut frames) = (Seen::default(), 0_u64);
    let mut markers: Vec<Option<u64>> = vec![None; play.deeds.len()];
    let deeds: &[Deed] = &play.deeds;
    let noted = play.frames.inspect(|frame| {
        frames += 1;
        for (deed, at) in deeds.iter().zip(&mut markers) {
            if at.is_none()
                && let Some(marker) = &deed.marker
                && frame.bytes.ends_with(marker)
                && frame.bytes.get(30..34) == Some(&deed.actor.octets())
            {
                *at = Some(frame.at_ns);
            }
        }
    });
    analyse(&mut engine, noted, &mut seen)?;
    // What is still open is told as it stands; accounts are the incidents' own matter.
    for incident in engine.mind.incidents.iter() {
        seen.incident(incident, "summary");
    }
    let days = play.length_ns as f64 / DAY as f64;
    Ok(Outcome::of(family, learned.seed, days, frames, deeds, &markers, seen))
}
