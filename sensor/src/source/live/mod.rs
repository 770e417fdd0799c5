//! Live traffic: the packet path in the kernel, its rings and its flow cache.
//!
//! In the order of a start: [`links`] says what interfaces there are, [`object`] loads the program, [`attach`] puts it
//! on them, [`clock`] learns the kernel's time. Then, every five milliseconds: [`drain`] empties the rings, [`merge`]
//! makes one stream of them; each second [`sweep`] reads a part of the [`mapped`] cache, [`counters`] what was
//! counted, [`control`] says that user space lives. [`caps`] gives up all privilege; [`doctor`] says
//! what is amiss.

mod attach;
pub mod caps;
mod clock;
mod control;
mod counters;
pub mod doctor;
mod drain;
mod links;
mod mapped;
mod merge;
mod netlink;
pub mod object;
mod offloads;
mod sweep;

use std::time::Duration;

use anyhow::Context as _;
use sensor_ebpf::counters::Counter;

pub use attach::{Attached, Mode};
pub use mapped::Mapped;
pub use object::Sizes;

use self::clock::{Clock, monotonic};
use self::control::Controls;
use self::counters::Counters;
use self::drain::Rings;
use self::merge::Merge;
use self::object::{Constants, Object};
use self::sweep::Sweep;
use super::policy::Limits;
use super::residency::Residency;
use super::storms::Storms;
use super::{Record, Source, Wish};
use crate::time::Time;

/// Records are complete this long after their time: a CPU that read the clock has written its record by then.
const SETTLED: u64 = 5_000_000;
/// After a longer pause record time jumps instead of ticking through each second.
const MAX_TICKS: u64 = 60;

/// What to watch, and how.
#[derive(Clone, Debug, Default)]
pub struct LiveOptions {
    /// Names of interfaces; a bridge, bond or VLAN is watched at what it stands on.
    pub interfaces: Vec<String>,
    /// Where in the kernel the program runs.
    pub mode: Mode,
    /// How large the flow cache and the rings are.
    pub sizes: Sizes,
    /// Rates and ages the packet path enforces.
    pub limits: Limits,
}

/// What went wrong between kernel and engine, from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Records that came after their time had passed; delivered, stamped with the time they came at.
    pub late: u64,
    /// Records delivered before their turn because too many waited.
    pub hurried: u64,
    /// Records that could not be read.
    pub unreadable: u64,
}

/// Live traffic of some interfaces. Dropping it detaches what it attached, and nothing else.
pub struct Live {
    attached: Vec<Attached>,
    object: Object,
    clock: Clock,
    rings: Rings,
    merge: Merge,
    residency: Residency,
    sweep: Sweep,
    controls: Controls,
    counters: Counters,
    counted: [u64; Counter::COUNT],
    storms: Storms,
    /// The last second of record time that was ticked.
    second: u64,
    /// When to look at the rings again, in monotonic nanoseconds.
    next: u64,
}

impl Live {
    /// Loads the program and attaches it.
    ///
    /// # Errors
    /// What is missing or in the way, and what to do about it. Nothing stays attached then.
    pub fn open(options: &LiveOptions) -> anyhow::Result<Self> {
        refuse_realtime()?;
        let (ports, remarks) = links::resolve(&options.interfaces, &links::list()?)?;
        for remark in remarks {
            tracing::info!("{remark}");
        }
        attach::check(&ports)?;
        let mut object = Object::load(options.sizes, &Constants::random()?)?;
        let clock = Clock::calibrate(object.program("ticks")?)?;
        let ticks = clock::ticks(object.program("ticks")?)?;
        let controls = Controls::open(&mut object, &options.limits, clock.rate(), ticks)?;
        let rings = Rings::open(&mut object)?;
        let counters = Counters::open(&mut object)?;
        let entries = usize::try_from(object.sizes.flow_sets)?.saturating_mul(2);
        let slices = usize::try_from(object.slices)?;
        let all = entries.saturating_mul(slices);
        let mapped = Mapped::new(object.flows()?, all)?;
        let limit = options.sizes.rings.iter().fold(0_usize, |sum, size| sum.saturating_add(*size as usize));
        let attached = attach::attach(&mut object, &ports, options.mode)?;
        let now = monotonic();
        Ok(Self {
            attached,
            object,
            clock,
            rings,
            merge: Merge::new(limit.saturating_mul(2)),
            residency: Residency::new(slices, entries),
            sweep: Sweep::new(mapped, entries),
            controls,
            counters,
            counted: [0; Counter::COUNT],
            storms: Storms::default(),
            second: clock.time(now).seconds(),
            next: now,
        })
    }

    /// The interfaces and how they are watched.
    pub fn attached(&self) -> &[Attached] {
        &self.attached
    }

    /// What the packet path counted until the last second, summed over CPUs, in the order of [`Counter::ALL`].
    pub const fn counters(&self) -> [u64; Counter::COUNT] {
        self.counted
    }

    /// What went wrong between kernel and engine.
    pub const fn losses(&self) -> Losses {
        let unreadable = self.merge.unreadable.saturating_add(self.residency.unreadable);
        Losses { late: self.merge.late, hurried: self.merge.hurried, unreadable }
    }

    fn release(&mut self, watermark: u64, sink: &mut dyn FnMut(Record<'_>)) {
        let (residency, clock) = (&mut self.residency, &self.clock.records);
        self.merge.release(watermark, |record| residency.read(record, clock, sink));
    }

    /// Ends the seconds that lie before `watermark`.
    fn tick(&mut self, watermark: u64, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<()> {
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
            self.release(self.clock.ktime(at).saturating_sub(1), sink);
            if self.second == reached {
                self.each_second(at, sink)?;
            }
            sink(Record::Tick(at));
        }
        Ok(())
    }

    fn each_second(&mut self, at: Time, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<()> {
        self.clock.refresh();
        let ticks = clock::ticks(self.object.program("ticks")?)?;
        self.controls.beat(ticks)?;
        let storm = Counter::Storm as usize;
        let before = self.counted.get(storm).copied();
        self.counted = self.counters.read()?;
        if self.counted.get(storm).copied() != before {
            for storm in self.storms.read(at, self.counters.storm_rows()?) {
                sink(Record::Storm(storm));
            }
        }
        self.sweep.step(ticks, &self.residency, &mut self.merge);
        Ok(())
    }
}

impl Source for Live {
    /// Waits until the rings are due, at most five milliseconds, then delivers what has settled. Never the end.
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool> {
        let wait = self.next.saturating_sub(monotonic());
        if wait != 0 {
            std::thread::sleep(Duration::from_nanos(wait));
        }
        let now = monotonic();
        let round = self.rings.drain(now, &mut self.merge);
        let pause = u64::try_from(round.pause.as_nanos()).unwrap_or(SETTLED);
        self.next = now.saturating_add(pause);
        let watermark = round.complete.saturating_sub(SETTLED);
        self.tick(watermark, sink)?;
        self.release(watermark, sink);
        self.controls.step(now)?;
        Ok(true)
    }

    fn apply(&mut self, wishes: &[Wish]) {
        self.controls.wish(wishes, monotonic());
    }
}

/// Under PREEMPT_RT packets of one CPU can interrupt each other, which per-CPU state does not survive.
fn refuse_realtime() -> anyhow::Result<()> {
    let version = std::fs::read_to_string("/proc/sys/kernel/version").context("/proc/sys/kernel/version")?;
    anyhow::ensure!(
        !version.contains("PREEMPT_RT"),
        "this kernel is PREEMPT_RT, on which isthmus is not tested; boot an ordinary one"
    );
    Ok(())
}
