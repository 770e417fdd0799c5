//! What the packet path counted, summed over CPUs, and the storm table.

use std::mem::{offset_of, size_of};

use anyhow::Context as _;
use aya::maps::{Array, MapData, PerCpuArray};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::storm::{ALL_ROWS, StormRow};
use sensor_ebpf::tables::Cpu;

use super::object::{Object, RawCpus};
use crate::source::storms::Row;

/// A [`StormRow`] as aya copies it.
pub type RawStorm = [u64; size_of::<StormRow>() / 8];
const FIRST: usize = offset_of!(Cpu, counters) / 8;

/// The maps the packet path counts in.
pub struct Counters {
    cpus: Array<MapData, RawCpus>,
    storm: PerCpuArray<MapData, RawStorm>,
}

impl Counters {
    /// Takes the maps.
    ///
    /// # Errors
    /// When one is missing.
    pub fn open(object: &mut Object) -> anyhow::Result<Self> {
        Ok(Self { cpus: object.take(".bss.cpus")?, storm: object.take("STORM")? })
    }

    /// All counters, summed over CPUs, in the order of [`Counter::ALL`].
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn read(&self) -> anyhow::Result<[u64; Counter::COUNT]> {
        let mut sums = [0_u64; Counter::COUNT];
        for cpu in &self.cpus.get(&0, 0).context("BPF map .bss.cpus")? {
            for (sum, word) in sums.iter_mut().zip(cpu.iter().skip(FIRST)) {
                *sum = sum.wrapping_add(*word);
            }
        }
        Ok(sums)
    }

    /// The rows of the storm table that were ever used.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn storm_rows(&self) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for row in 0..ALL_ROWS {
            let all = self.storm.get(&row, 0).context("BPF map STORM")?;
            rows.extend(all.iter().enumerate().filter_map(|(cpu, raw)| Row::from_words(cpu, row, raw)));
        }
        Ok(rows)
    }
}
