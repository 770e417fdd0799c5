//! Capture files through the same packet path the kernel runs.
//!
//! The clock is the capture's. A tenth of the flow cache is swept before each tick, as live; the engine is asked for
//! wishes wherever record time crosses a hundredth of a second, which is about how long a record waits live, so that they take
//! effect as early as live and do not depend on how much was read at once.

mod dirty;
pub mod frames;
mod out;
mod path;
pub mod tables;
mod wishes;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use sensor_ebpf::counters::Counter;

use super::capture::Merged;
use super::policy::Limits;
use super::{Record, Source, Wish};
use path::Path;

/// Packets delivered in one call at most, so that progress can be shown.
const BATCH: usize = 1 << 14;

/// Multipliers of the flow hash: odd and fixed, so that the same capture gives the same records. The fractional digits
/// of the golden ratio and odd constants of xxHash and wyhash.
pub const SECRETS: [u64; 5] = [
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
];

/// How frames meet the flow cache.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Slices of the cache; frames take them in turn.
    pub cpus: usize,
    /// Sets of each slice, a power of two.
    pub sets: u32,
    /// Multipliers of the flow hash, one for each word of a key; odd.
    pub secrets: [u64; 5],
    /// Length of a tick in nanoseconds. What most kernels use is 4 ms (CONFIG_HZ=250).
    pub tick_ns: u64,
    /// Rates and ages.
    pub limits: Limits,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self { cpus: 1, sets: 1 << 16, secrets: SECRETS, tick_ns: 4_000_000, limits: Limits::default() }
    }
}

impl ReplayOptions {
    /// The nearest options the packet path can work with.
    pub fn sane(self) -> Self {
        Self {
            cpus: self.cpus.clamp(1, 1 << 10),
            sets: self.sets.clamp(1, 1 << 24).next_power_of_two(),
            tick_ns: self.tick_ns.clamp(1, 1_000_000_000),
            ..self
        }
    }
}

/// Capture files as a source of records.
pub struct Replay {
    files: Merged,
    path: Path,
    failure: Option<anyhow::Error>,
    over: bool,
}

impl Replay {
    /// Opens the files; they are merged by time.
    ///
    /// # Errors
    /// What is wrong with the first file that cannot be read.
    pub fn open(files: &[PathBuf], options: ReplayOptions) -> anyhow::Result<Self> {
        Ok(Self { files: Merged::open(files)?, path: Path::new(options.sane()), failure: None, over: false })
    }

    /// Bytes read, bytes in all.
    pub fn progress(&self) -> (u64, u64) {
        self.files.progress()
    }

    /// What the packet path counted, by [`Counter`].
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        self.path.counters()
    }

    /// Packets whose time stepped back; they count as captured at the latest time seen.
    pub fn backward(&self) -> u64 {
        self.path.backward
    }

    /// Wishes for which the tables had no room.
    pub fn refused(&self) -> u64 {
        self.path.wishes.refused
    }
}

impl Source for Replay {
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool> {
        if self.over {
            return Ok(false);
        }
        let known = self.files.interfaces().len();
        for _ in 0..BATCH {
            // Whoever takes the records has to know what the interface is called.
            if self.files.interfaces().len() > known {
                return Ok(true);
            }
            if let Some(at) = self.files.next_at()
                && self.path.prepare(at, sink)
            {
                return Ok(true);
            }
            match self.files.next() {
                Some(Ok(packet)) => self.path.packet(&packet, sink),
                // Other interfaces of the file, and other files, may go on; the first failure is told at the end.
                Some(Err(error)) => {
                    self.failure.get_or_insert_with(|| error.into());
                }
                None => {
                    self.over = true;
                    self.path.end(sink);
                    return self.failure.take().map_or(Ok(false), Err);
                }
            }
        }
        Ok(true)
    }

    fn interfaces(&self) -> &BTreeMap<u8, String> {
        self.files.interfaces()
    }

    fn apply(&mut self, wishes: &[Wish]) {
        self.path.wishes.add(wishes);
    }
}
