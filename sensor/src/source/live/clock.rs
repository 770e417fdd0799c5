//! The kernel's clocks as record time.
//!
//! Records carry `CLOCK_MONOTONIC`; wall time is that plus an offset read once a second. Entries carry ticks (jiffies),
//! whose rate no system call tells: a program that is never attached returns the count when run by hand.

use std::time::Duration;

use anyhow::{Context as _, bail};
use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use rustix::time::{ClockId, clock_gettime};

use crate::source::residency;
use crate::time::Time;

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic() -> u64 {
    nanos(ClockId::Monotonic)
}

fn nanos(id: ClockId) -> u64 {
    let now = clock_gettime(id);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(Time::SECOND).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// The kernel's coarse clock now.
///
/// # Errors
/// When the program cannot be run.
pub fn ticks(program: &Xdp) -> anyhow::Result<u32> {
    let frame = [0; 64];
    let options = TestRunOptions { data_in: Some(&frame), ..TestRunOptions::new() };
    Ok(program.test_run(options).context("cannot read the kernel's coarse clock")?.return_value)
}

/// How this machine's clocks relate.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// For reading records.
    pub records: residency::Clock,
}

impl Clock {
    /// Measures the rate of the ticks, which takes about a tenth of a second.
    ///
    /// # Errors
    /// When the ticks cannot be read or stand still.
    pub fn calibrate(program: &Xdp) -> anyhow::Result<Self> {
        let (begin, first) = edge(program)?;
        std::thread::sleep(Duration::from_millis(80));
        let (end, last) = edge(program)?;
        let passed = last.wrapping_sub(first);
        if passed == 0 {
            bail!("the kernel's coarse clock stands still");
        }
        let tick_ns = end.saturating_sub(begin).checked_div(u64::from(passed)).unwrap_or(0).max(1);
        Ok(Self { records: residency::Clock { offset_ns: offset().into(), tick_ns } })
    }

    /// Reads the wall clock again.
    pub fn refresh(&mut self) {
        let (now, before) = (i128::from(offset()), self.records.offset_ns);
        if before.saturating_sub(now) > i128::from(Time::SECOND) {
            tracing::warn!("the wall clock was set back; record time goes back with it");
        }
        self.records.offset_ns = now;
    }

    /// Ticks a second, rounded.
    pub fn rate(&self) -> u32 {
        let half = self.records.tick_ns / 2;
        let rate = Time::SECOND.saturating_add(half).checked_div(self.records.tick_ns).unwrap_or(0);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// The wall time of a monotonic moment.
    pub fn time(&self, ktime: u64) -> Time {
        self.records.time(ktime)
    }

    /// The monotonic moment that is `time` on the wall.
    pub fn ktime(&self, time: Time) -> u64 {
        u64::try_from(i128::from(time.0).saturating_sub(self.records.offset_ns)).unwrap_or(0)
    }
}

fn offset() -> u64 {
    // The monotonic clock is read on both sides, so that being scheduled away in between cannot shift wall time.
    let mut best = (u64::MAX, 0);
    for _ in 0..4 {
        let before = monotonic();
        let wall = nanos(ClockId::Realtime);
        let width = monotonic().saturating_sub(before);
        best = best.min((width, wall.saturating_sub(before.saturating_add(width / 2))));
    }
    best.1
}

/// The moment of the next tick, and which it is.
fn edge(program: &Xdp) -> anyhow::Result<(u64, u32)> {
    let from = ticks(program)?;
    let begin = monotonic();
    loop {
        let now = ticks(program)?;
        let at = monotonic();
        if now != from {
            return Ok((at, now));
        }
        if at.saturating_sub(begin) > Time::SECOND {
            bail!("the kernel's coarse clock stands still");
        }
    }
}
