//! The storm table read as a whole: rows of all CPUs joined by source, totals turned into differences.

use std::cell::Cell;
use std::collections::BTreeMap;

use sensor_ebpf::policy::Class;
use sensor_ebpf::storm::{BITS, StormRow};

use super::record::Storm;
use crate::time::Time;

/// A row as it stood when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Which CPU's table.
    pub cpu: usize,
    /// Which row; [`sensor_ebpf::storm::ROWS`] is that of the sources that collided.
    pub row: u32,
    /// Source address.
    pub source: [u64; 2],
    /// Packets in the window.
    pub packets: u64,
    /// Bitmap of destinations.
    pub destinations: [u64; 4],
    /// Which window.
    pub window: u32,
    /// [`sensor_ebpf::storm::StormRow::class`].
    pub class: u32,
}

impl Row {
    /// Row `index` of the table of the first CPU.
    pub fn of(row: &StormRow, index: u32) -> Self {
        Self {
            cpu: 0,
            row: index,
            source: row.source.each_ref().map(Cell::get),
            packets: row.packets.get(),
            destinations: row.destinations.each_ref().map(Cell::get),
            window: row.window.get(),
            class: row.class.get(),
        }
    }
}

/// What was last read of each row.
#[derive(Clone, Debug, Default)]
pub struct Storms {
    rows: BTreeMap<(usize, u32), ([u64; 2], u32, u64)>,
}

impl Storms {
    /// Takes a reading and returns what is new in it, ordered by source. Rows nobody wrote to are silent.
    pub fn read(&mut self, at: Time, rows: impl IntoIterator<Item = Row>) -> Vec<Storm> {
        let mut news = BTreeMap::<(Option<[u64; 2]>, bool), (u64, [u64; 4])>::new();
        for row in rows.into_iter().filter(|row| row.packets != 0) {
            let before = self.rows.insert((row.cpu, row.row), (row.source, row.window, row.packets));
            let packets = match before {
                Some((source, window, packets)) if source == row.source && window == row.window => {
                    row.packets.saturating_sub(packets)
                }
                _ => row.packets,
            };
            if packets == 0 {
                continue;
            }
            let others = row.row == sensor_ebpf::storm::ROWS;
            let industrial = !others && Class::from_u8((row.class & 0xff) as u8).is_industrial();
            let entry = news.entry(((!others).then_some(row.source), industrial)).or_default();
            entry.0 = entry.0.saturating_add(packets);
            for (word, more) in entry.1.iter_mut().zip(row.destinations) {
                *word |= more;
            }
        }
        news.into_iter()
            .map(|((source, industrial), (packets, bitmap))| {
                let destinations = estimate(&bitmap);
                Storm { at, source, industrial, packets, destinations }
            })
            .collect()
    }
}

/// Linear counting (Whang, Vander-Zanden, Taylor 1990): `-m ln(zeros / m)`. A full bitmap says at least `m ln m`.
fn estimate(bitmap: &[u64; 4]) -> u32 {
    let bits = f64::from(BITS);
    let zeros = bitmap.iter().map(|word| word.count_zeros()).sum::<u32>().max(1);
    (-bits * (f64::from(zeros) / bits).ln()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cpu: usize, packets: u64, bitmap: u64) -> Row {
        Row {
            cpu,
            source: [0, 9],
            packets,
            destinations: [bitmap, 0, 0, 0],
            window: 4,
            class: 0x104,
            ..Row::default()
        }
    }

    #[test]
    fn rows_of_all_cpus_are_one_storm_and_only_what_is_new() {
        let mut storms = Storms::default();
        let first = storms.read(Time(1), [row(0, 10, 0b0011), row(1, 5, 0b0110)]);
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].packets, first[0].destinations, first[0].industrial), (15, 3, true));
        assert!(storms.read(Time(2), [row(0, 10, 0b0011), row(1, 5, 0b0110)]).is_empty());
        let later = storms.read(Time(3), [row(0, 12, 0b0011), Row { window: 5, ..row(1, 2, 0b1) }]);
        assert_eq!(later[0].packets, 4);
    }

    #[test]
    fn a_full_bitmap_is_a_bound_not_infinity() {
        assert_eq!(estimate(&[u64::MAX; 4]), 1420);
        assert_eq!(estimate(&[0; 4]), 0);
    }

    #[test]
    fn sources_that_collided_have_no_address() {
        let others = Row { row: sensor_ebpf::storm::ROWS, source: [0, 0], ..row(0, 3, 1) };
        assert_eq!(Storms::default().read(Time(1), [others])[0].source, None);
    }
}
