//! What user space tells the running program: that it lives, and what the engine wants.

use std::mem::offset_of;
use std::time::Duration;

use anyhow::Context as _;
use aya::maps::{Array, HashMap, MapData};
use hashlink::LinkedHashMap;
use sensor_ebpf::policy::{Class, Control, Endpoint, HAS_VERDICTS, HAS_WATCHED};

use super::object::{Object, RawControl, get_u32, put_u32};
use crate::source::Wish;
use crate::source::policy::{EPOCH, Limits, RENEWAL};

/// Rows of the verdict table; the oldest verdict makes room.
const MAX_VERDICTS: usize = 4096;
/// Rows of the watch list.
const MAX_WATCHED: usize = 256;

/// The maps user space writes.
pub struct Controls {
    map: Array<MapData, RawControl>,
    raw: RawControl,
    verdicts: HashMap<MapData, [u64; 3], u8>,
    given: LinkedHashMap<[u64; 3], u8>,
    watch: HashMap<MapData, [u64; 2], u8>,
    /// Until when, in monotonic nanoseconds.
    watched: LinkedHashMap<[u64; 2], u64>,
    epoch: u32,
    bumped: u64,
    dirty: bool,
}

impl Controls {
    /// Takes the maps and sets the limits. `rate` is ticks a second, `ticks` the coarse clock now. Verdicts of a process
    /// before this one hold; what it watched is no longer watched.
    ///
    /// # Errors
    /// When a map is missing or the kernel refuses.
    pub fn open(object: &mut Object, limits: &Limits, rate: u32, ticks: u32) -> anyhow::Result<Self> {
        let mut raw = RawControl::default();
        let per_tick = |flows: u32| flows.div_ceil(rate.max(1));
        put_u32(&mut raw, offset_of!(Control, heartbeat), ticks);
        put_u32(&mut raw, offset_of!(Control, heartbeat_limit), limits.heartbeat_s.saturating_mul(rate));
        put_u32(&mut raw, offset_of!(Control, idle), limits.idle_s.saturating_mul(rate));
        for (at, (rate, burst)) in [0, 4].into_iter().zip(limits.rate.into_iter().zip(limits.burst)) {
            put_u32(&mut raw, offset_of!(Control, rate) + at, per_tick(rate));
            put_u32(&mut raw, offset_of!(Control, burst) + at, burst);
        }
        let mut controls = Self {
            map: object.take(".bss.control")?,
            raw,
            verdicts: object.take("VERDICT")?,
            given: LinkedHashMap::new(),
            watch: object.take("WATCH")?,
            watched: LinkedHashMap::new(),
            epoch: 0,
            bumped: 0,
            dirty: false,
        };
        controls.inherit()?;
        controls.write()?;
        Ok(controls)
    }

    fn inherit(&mut self) -> anyhow::Result<()> {
        let before = self.map.get(&0, 0).context("BPF map .bss.control")?;
        self.epoch = get_u32(&before, offset_of!(Control, epoch));
        for row in self.verdicts.iter() {
            let (key, class) = row.context("BPF map VERDICT")?;
            self.given.insert(key, class);
        }
        let watched: Vec<[u64; 2]> = self.watch.keys().collect::<Result<_, _>>().context("BPF map WATCH")?;
        for address in watched {
            self.watch.remove(&address).context("BPF map WATCH")?;
        }
        put_u32(&mut self.raw, offset_of!(Control, epoch), self.epoch);
        self.dirty = true;
        Ok(())
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.map.set(0, self.raw, 0).context("BPF map .bss.control")
    }

    /// Says that user space lives.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn beat(&mut self, ticks: u32) -> anyhow::Result<()> {
        put_u32(&mut self.raw, offset_of!(Control, heartbeat), ticks);
        self.write()
    }

    /// Takes wishes. `now` is the monotonic clock.
    pub fn wish(&mut self, wishes: &[Wish], now: u64) {
        for wish in wishes {
            let done = match wish {
                Wish::Verdict(endpoint, class) => self.verdict(endpoint, *class),
                Wish::Watch(address, time) => self.watch(*address, *time, now),
            };
            // The engine goes on without: it sees less, and the log says why.
            if let Err(error) = done {
                tracing::warn!("{error:#}");
            }
        }
    }

    fn verdict(&mut self, endpoint: &Endpoint, class: Class) -> anyhow::Result<()> {
        let key: [u64; 3] = zerocopy::transmute!(*endpoint);
        if self.given.get(&key) == Some(&(class as u8)) {
            self.given.to_back(&key);
            return Ok(());
        }
        if !self.given.contains_key(&key)
            && self.given.len() >= MAX_VERDICTS
            && let Some((oldest, _)) = self.given.pop_front()
        {
            self.verdicts.remove(&oldest).context("BPF map VERDICT")?;
        }
        self.verdicts.insert(key, class as u8, 0).context("BPF map VERDICT")?;
        self.given.insert(key, class as u8);
        self.dirty = true;
        Ok(())
    }

    fn watch(&mut self, address: [u64; 2], time: Duration, now: u64) -> anyhow::Result<()> {
        let until = now.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if let Some(known) = self.watched.get_mut(&address) {
            *known = until.max(*known);
            return Ok(());
        }
        if self.watched.len() >= MAX_WATCHED {
            let next = self.watched.iter().min_by_key(|(_, until)| **until).map(|(address, _)| *address);
            if let Some(address) = next {
                self.unwatch(&address)?;
            }
        }
        self.watch.insert(address, 1, 0).context("BPF map WATCH")?;
        self.watched.insert(address, until);
        self.dirty = true;
        Ok(())
    }

    fn unwatch(&mut self, address: &[u64; 2]) -> anyhow::Result<()> {
        self.watched.remove(address);
        self.dirty = true;
        self.watch.remove(address).context("BPF map WATCH")
    }

    /// Ends watches whose time is over and lets flows ask again, at most ten times a second.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn step(&mut self, now: u64) -> anyhow::Result<()> {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.bumped) < nanoseconds(EPOCH) {
            return Ok(());
        }
        while let Some(over) =
            self.watched.iter().find(|(_, until)| **until <= now).map(|(address, _)| *address)
        {
            self.unwatch(&over)?;
        }
        // Budgets of process data are renewed by an epoch, whether or not anything else changed.
        if self.dirty || now.saturating_sub(self.bumped) >= nanoseconds(RENEWAL) {
            let asked = if self.given.is_empty() { 0 } else { HAS_VERDICTS }
                | if self.watched.is_empty() { 0 } else { HAS_WATCHED };
            self.epoch = self.epoch.wrapping_add(1);
            put_u32(&mut self.raw, offset_of!(Control, epoch), self.epoch);
            put_u32(&mut self.raw, offset_of!(Control, asked), asked);
            self.write()?;
            self.bumped = now;
            self.dirty = false;
        }
        Ok(())
    }
}
