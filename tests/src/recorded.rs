//! What the packet path tells of frames, kept, so that a test or a bench can give it to the engine again.

use std::path::PathBuf;

use anyhow::Result;
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::source::{FrameEvent, Record, Source as _};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;

use crate::capture_file::write_pcap;
use crate::conversation::Frame;

/// One record with its bytes.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// Without bytes.
    Plain(Record<'static>),
    /// A frame.
    Frame(FrameEvent<'static>, Box<[u8]>),
}

impl Recorded {
    /// To be told again.
    #[must_use]
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Plain(record) => *record,
            Self::Frame(event, bytes) => Record::Frame(FrameEvent { frame: bytes, ..*event }),
        }
    }
}

impl From<Record<'_>> for Recorded {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Frame(event) => Self::Frame(FrameEvent { frame: &[], ..event }, event.frame.into()),
            Record::Flow(event) => Self::Plain(Record::Flow(event)),
            Record::Storm(storm) => Self::Plain(Record::Storm(storm)),
            Record::Loss(loss) => Self::Plain(Record::Loss(loss)),
            Record::Tick(at) => Self::Plain(Record::Tick(at)),
        }
    }
}

/// An engine that knows nothing.
#[must_use]
pub fn engine(settings: Settings) -> Engine {
    Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()))
}

/// What the packet path tells of capture files while an engine says what it wants to see more of.
///
/// # Errors
/// What the files cannot be read for; what came before the break is lost.
pub fn of_files(files: &[PathBuf]) -> Result<Vec<Recorded>> {
    let (mut replay, mut engine) =
        (Replay::open(files, ReplayOptions::default())?, engine(Settings::default()));
    let mut recorded = Vec::new();
    loop {
        let more = replay.poll(&mut |record| {
            recorded.push(Recorded::from(record));
            engine.record(record, &mut Silent);
        })?;
        replay.apply(&engine.take_wishes());
        if !more {
            return Ok(recorded);
        }
    }
}

/// As [`of_files`], of frames made here. `name` tells the file apart that they are written to meanwhile.
///
/// # Errors
/// What the file cannot be written or read for.
pub fn of_frames(name: &str, frames: Vec<Frame>) -> Result<Vec<Recorded>> {
    let file = std::env::temp_dir().join(format!("isthmus-{}-{name}.pcap", std::process::id()));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file)?);
    let written = write_pcap(&mut out, frames).and_then(|_| std::io::Write::flush(&mut out));
    let recorded = written.map_err(Into::into).and_then(|()| of_files(std::slice::from_ref(&file)));
    std::fs::remove_file(&file)?;
    recorded
}
