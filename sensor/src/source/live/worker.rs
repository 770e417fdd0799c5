//! The thread that reads the rings, and does nothing else: whatever the engine does, rings are emptied in time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aya::programs::links::FdLink;
use sensor_ebpf::counters::Counter;

use super::clock::{self, Clock, monotonic};
use super::control::Controls;
use super::counters::Counters;
use super::drain::Rings;
use super::handover::{Handover, Stop, Teller};
use super::ledger::{self, Ledger};
use super::mapped::Mapped;
use super::merge::Merge;
use super::object::Object;
use super::predecessor::Predecessor;
use super::sweep::{self, Sweep};
use super::{Figures, LiveOptions, Losses};
use crate::source::Wish;
use crate::source::residency::Residency;
use crate::source::storms::Storms;
use crate::time::Time;

/// Records are complete this long after their time: a CPU that read the clock has written its record by then.
const SETTLED: u64 = 5_000_000;
/// After a longer pause record time jumps instead of ticking through each second.
const MAX_TICKS: u64 = 60;
/// Bytes that may wait for the engine, for each byte of a ring.
const WAITING: usize = 2;

/// Everything between the kernel and the engine.
pub struct Worker {
    links: Vec<FdLink>,
    object: Object,
    clock: Clock,
    rings: Rings,
    merge: Merge,
    teller: Teller,
    sweep: Sweep,
    controls: Controls,
    counters: Counters,
    counted: [u64; Counter::COUNT],
    storms: Storms,
    stormed: u64,
    wishes: Vec<Wish>,
    ledger: Option<Ledger>,
    /// The last second of record time that was ticked.
    second: u64,
}

impl Worker {
    /// Takes what it needs out of the object. Where it is pinned, `ledger` is the name of what was told of it before;
    /// `adopted`: another process did that.
    ///
    /// # Errors
    /// When a map is missing or the kernel refuses.
    pub fn new(
        mut object: Object,
        options: &LiveOptions,
        ledger: Option<String>,
        adopted: bool,
    ) -> anyhow::Result<Self> {
        let clock = Clock::calibrate(object.program("ticks")?)?;
        let ticks = clock::ticks(object.program("ticks")?)?;
        let controls = Controls::open(&mut object, &options.limits, clock.rate(), ticks)?;
        let rings = Rings::open(&mut object)?;
        let counters = Counters::open(&mut object)?;
        let entries = usize::try_from(object.sizes.flow_sets)?.saturating_mul(2);
        let slices = usize::try_from(object.slices)?;
        let mapped = Mapped::new(object.flows()?, entries.saturating_mul(slices))?;
        let mut residency = Residency::new(slices, entries);
        let ledger = ledger.and_then(|name| recall(&name, &object, &mut residency));
        let known = ledger.as_ref().is_some_and(|(_, known)| *known);
        if adopted && !known {
            tracing::warn!(
                "what was told of flows before is not known; those that are open count from now on"
            );
            let places = 0..mapped.entries();
            residency.join(places.filter_map(|place| Some((place, mapped.snapshot(place)?))));
        }
        let ledger = ledger.map(|(ledger, _)| ledger);
        let sizes = options.sizes.rings.map(|size| size as usize);
        let limit = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        let room = options.room.unwrap_or(sizes.map(|size| size.saturating_mul(WAITING)));
        Ok(Self {
            links: Vec::new(),
            object,
            clock,
            rings,
            merge: Merge::new(limit.saturating_mul(2)),
            teller: Teller::new(residency, room),
            sweep: Sweep::new(mapped, entries),
            controls,
            counters,
            counted: [0; Counter::COUNT],
            storms: Storms::default(),
            stormed: 0,
            wishes: Vec::new(),
            ledger,
            second: clock.time(monotonic()).seconds(),
        })
    }

    /// The program and its maps.
    pub const fn object(&mut self) -> &mut Object {
        &mut self.object
    }

    /// Keeps the links; they end with this.
    pub fn hold(&mut self, links: Vec<FdLink>) {
        self.links = links;
    }

    /// Tells what another version's maps hold, now that its program has been replaced.
    ///
    /// # Errors
    /// When the coarse clock cannot be read.
    pub fn inherit(&mut self, predecessor: Predecessor) -> anyhow::Result<()> {
        // A CPU that still ran it has written its record by then.
        std::thread::sleep(Duration::from_nanos(SETTLED));
        let ticks = clock::ticks(self.object.program("ticks")?)?;
        predecessor.tell(&mut self.teller, &self.clock.records, ticks);
        Ok(())
    }

    /// Reads until told to stop. Called on a thread of its own.
    pub fn run(mut self, handover: &Arc<Handover>) {
        // Told also when this thread panics.
        let ends = Ends(Arc::clone(handover));
        let outcome = self.rounds(handover);
        self.note();
        handover.close(outcome);
        drop(ends);
    }

    fn rounds(&mut self, handover: &Handover) -> anyhow::Result<()> {
        loop {
            let begin = monotonic();
            let pause = self.round(begin)?;
            match handover.publish(&mut self.teller, &mut self.wishes) {
                None => {}
                Some(Stop::Abandon) => return Ok(()),
                Some(Stop::Finish) => {
                    self.finish()?;
                    handover.publish(&mut self.teller, &mut self.wishes);
                    return Ok(());
                }
            }
            self.controls.wish(&self.wishes, begin);
            self.wishes.clear();
            self.controls.step(begin)?;
            let took = Duration::from_nanos(monotonic().saturating_sub(begin));
            std::thread::sleep(pause.saturating_sub(took));
        }
    }

    /// Empties the rings once; returns how soon to do it again.
    fn round(&mut self, now: u64) -> anyhow::Result<Duration> {
        let round = self.rings.drain(now, &mut self.merge);
        let watermark = round.complete.saturating_sub(SETTLED);
        self.tick(watermark)?;
        self.release(watermark);
        Ok(round.pause)
    }

    fn release(&mut self, watermark: u64) {
        let (teller, clock) = (&mut self.teller, &self.clock.records);
        self.merge.release(watermark, |record| teller.tell(record, clock));
    }

    /// Ends the seconds that lie before `watermark`.
    fn tick(&mut self, watermark: u64) -> anyhow::Result<()> {
        let reached = self.clock.time(watermark).seconds();
        if reached <= self.second {
            // Set back by more than a second: go on from there.
            if self.second.saturating_sub(reached) > 1 {
                self.second = reached;
            }
            return Ok(());
        }
        self.second = self.second.max(reached.saturating_sub(MAX_TICKS));
        while self.second < reached {
            self.second = self.second.saturating_add(1);
            let at = Time::from_seconds(self.second);
            self.release(self.clock.ktime(at).saturating_sub(1));
            if self.second == reached {
                self.each_second(at)?;
            }
            let figures = self.figures();
            self.teller.second(at, figures);
        }
        Ok(())
    }

    fn each_second(&mut self, at: Time) -> anyhow::Result<()> {
        self.clock.refresh();
        let ticks = clock::ticks(self.object.program("ticks")?)?;
        self.controls.beat(ticks)?;
        self.count(at)?;
        self.look(ticks);
        self.note();
        Ok(())
    }

    /// Writes down what was told, for who comes after.
    fn note(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            ledger.write(&mut self.teller.residency);
        }
    }

    /// Reads the counters, and the storm table where it was written to.
    fn count(&mut self, at: Time) -> anyhow::Result<()> {
        self.counted = self.counters.read()?;
        let stormed = self.counted.get(Counter::Storm as usize).copied().unwrap_or(0);
        // Without room nothing is read, and so nothing is taken for told.
        if stormed != self.stormed && self.teller.has_room_for_flows() {
            self.stormed = stormed;
            for storm in self.storms.read(at, self.counters.storm_rows()?) {
                self.teller.storm(storm);
            }
        }
        Ok(())
    }

    /// Sweeps the next part of the flow cache.
    fn look(&mut self, ticks: u32) {
        if self.teller.has_room_for_flows() {
            self.sweep.step(ticks, &self.teller.residency, &mut self.merge);
        }
    }

    /// Detaches, and reads everything once more.
    fn finish(&mut self) -> anyhow::Result<()> {
        self.links.clear();
        // A program that still ran has written its record by then.
        std::thread::sleep(Duration::from_nanos(SETTLED));
        self.round(monotonic())?;
        let ticks = clock::ticks(self.object.program("ticks")?)?;
        for _ in 0..sweep::PARTS {
            self.look(ticks);
        }
        let now = monotonic();
        self.count(self.clock.time(now))?;
        self.release(now);
        let figures = self.figures();
        self.teller.second(self.clock.time(now), figures);
        Ok(())
    }

    fn figures(&self) -> Figures {
        let losses = self.teller.losses();
        Figures {
            counters: self.counted,
            losses: Losses {
                late: self.merge.late,
                hurried: self.merge.hurried,
                unreadable: losses.unreadable.saturating_add(self.merge.unreadable),
                ..losses
            },
        }
    }
}

/// The ledger of a pinned flow cache; without one the sensor works, and says what it costs.
fn recall(name: &str, object: &Object, residency: &mut Residency) -> Option<(Ledger, bool)> {
    let opened = object.flows_id().and_then(|map| Ledger::open(Path::new(ledger::RUN), name, map, residency));
    opened
        .map_err(|error| tracing::warn!("{error:#}; after a crash, volumes of flows then open start anew"))
        .ok()
}

/// Says that nothing more comes, even where a thread ends by a panic.
struct Ends(Arc<Handover>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.close(Err(anyhow::anyhow!(
            "the thread that reads the rings broke down; state is saved, please report it"
        )));
    }
}
