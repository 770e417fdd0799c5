//! The rings, emptied on a timer: the kernel wakes nobody.

use std::time::Duration;

use aya::maps::{MapData, RingBuf};
use sensor_ebpf::record::Ring;

use super::merge::Merge;
use super::object::{Object, RINGS};

/// How often rings are looked at.
pub const CALM: Duration = Duration::from_millis(5);
/// How often while one was found over a quarter full.
pub const BUSY: Duration = Duration::from_micros(500);

/// What the kernel writes to.
pub struct Rings {
    rings: Vec<(RingBuf<MapData>, usize)>,
}

/// How a round went.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Everything up to this time was there to be read.
    pub complete: u64,
    /// When to look again.
    pub pause: Duration,
}

impl Rings {
    /// Takes the rings out of the object.
    ///
    /// # Errors
    /// When one is missing or cannot be mapped.
    pub fn open(object: &mut Object) -> anyhow::Result<Self> {
        let sizes = object.sizes.rings;
        let mut rings = Vec::with_capacity(Ring::COUNT);
        for (name, size) in RINGS.into_iter().zip(sizes) {
            rings.push((object.take(name)?, usize::try_from(size)?));
        }
        Ok(Self { rings })
    }

    /// Moves what the rings hold into `merge`. `now` is the monotonic clock, read before.
    ///
    /// A ring gives at most its own size a round, so that a flood that fills it as fast as it is emptied cannot keep
    /// the others waiting.
    pub fn drain(&mut self, now: u64, merge: &mut Merge) -> Round {
        let mut round = Round { complete: now, pause: CALM };
        for (ring, size) in &mut self.rings {
            let mut drained = 0_usize;
            let mut youngest = 0;
            while drained < *size && !merge.is_full() {
                let Some(record) = ring.next() else { break };
                drained = drained.saturating_add(record.len()).saturating_add(8);
                youngest = merge.push(&record).unwrap_or(youngest);
            }
            if drained >= *size || merge.is_full() {
                round.complete = round.complete.min(youngest);
            }
            if drained > *size / 4 {
                round.pause = BUSY;
            }
        }
        round
    }
}
