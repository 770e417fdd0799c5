//! What a version before this one had in its maps when its program was replaced: read once, so that an upgrade is no gap.

use std::path::Path;

use super::clock::monotonic;
use super::drain::Rings;
use super::handover::Teller;
use super::ledger::{self, Ledger};
use super::mapped::Mapped;
use super::merge::Merge;
use super::object::Object;
use super::pins::Left;
use super::sweep::{self, Sweep};
use crate::source::residency::{Clock, Residency};

/// Maps whose program runs no more, or soon will not.
pub struct Predecessor {
    rings: Rings,
    sweep: Sweep,
    residency: Residency,
    /// Bytes of its rings.
    size: usize,
}

impl Predecessor {
    /// Opens what `left` holds.
    ///
    /// # Errors
    /// When something is not there or not what it should be.
    pub fn open(left: &Left) -> anyhow::Result<Self> {
        let mut object = Object::adopt(|name| left.path(name))?;
        let entries = usize::try_from(object.sizes.flow_sets)?.saturating_mul(2);
        let slices = usize::try_from(object.slices)?;
        let mapped = Mapped::new(object.flows()?, entries.saturating_mul(slices))?;
        let mut residency = Residency::new(slices, entries);
        let known = Ledger::open(Path::new(ledger::RUN), &left.ledger(), object.flows_id()?, &mut residency)
            .is_ok_and(|(_, known)| known);
        if !known {
            let places = 0..mapped.entries();
            residency.join(places.filter_map(|place| Some((place, mapped.snapshot(place)?))));
        }
        let size = object.sizes.rings.iter().fold(0_usize, |sum, size| sum.saturating_add(*size as usize));
        Ok(Self { rings: Rings::open(&mut object)?, sweep: Sweep::new(mapped, entries), residency, size })
    }

    /// Tells what was not told. `ticks` is the coarse clock now.
    pub fn tell(mut self, teller: &mut Teller, clock: &Clock, ticks: u32) {
        // Its places and sequence numbers are others than those of the maps in use, and its records are older.
        std::mem::swap(&mut teller.residency, &mut self.residency);
        let mut merge = Merge::new(self.size.saturating_mul(2));
        self.rings.drain(monotonic(), &mut merge);
        merge.release(u64::MAX, |record| teller.tell(record, clock));
        let mut merge = Merge::new(self.size.saturating_mul(2));
        for _ in 0..sweep::PARTS {
            self.sweep.step(ticks, &teller.residency, &mut merge);
            merge.release(u64::MAX, |record| teller.tell(record, clock));
        }
        std::mem::swap(&mut teller.residency, &mut self.residency);
        teller.residency.unreadable = teller.residency.unreadable.saturating_add(self.residency.unreadable);
    }
}
