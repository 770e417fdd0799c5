//! The storm table read as a whole: rows of all CPUs joined by source, totals turned into differences.

use std::cell::Cell;
use std::collections::BTreeMap;

use sensor_ebpf::policy::Class;
use sensor_ebpf::storm::{BITS, StormRow};

use super::record::Storm;
use crate::time::Time;

/// One source that a row counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tenant {
    /// Source address.
    pub source: [u64; 2],
    /// Packets counted for it.
    pub packets: u64,
    /// [`sensor_ebpf::storm::StormRow::class`].
    pub class: u32,
}

/// A row as it stood when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Which CPU's table.
    pub cpu: usize,
    /// Which row; from [`sensor_ebpf::storm::ROWS`] on those of the sources that collided.
    pub row: u32,
    /// Whom it counts for.
    pub now: Tenant,
    /// Whom it counted for before.
    pub before: Tenant,
    /// How often it changed hands.
    pub tenant: u32,
    /// Bitmap of destinations of `now` in the present window.
    pub destinations: [u64; 4],
}

impl Row {
    /// Row `index` of the table of the first CPU.
    pub fn of(row: &StormRow, index: u32) -> Self {
        let address = |words: &[Cell<u64>; 2]| words.each_ref().map(Cell::get);
        Self {
            cpu: 0,
            row: index,
            now: Tenant { source: address(&row.source), packets: row.packets.get(), class: row.class.get() },
            before: Tenant {
                source: address(&row.source_before),
                packets: row.packets_before.get(),
                class: row.class_before.get(),
            },
            tenant: row.tenant.get(),
            destinations: row.destinations.each_ref().map(Cell::get),
        }
    }

    /// A row from its words as the kernel holds them; `None` while it was never used.
    pub fn from_words(cpu: usize, row: u32, words: &[u64; size_of::<StormRow>() / 8]) -> Option<Self> {
        let [a, b, packets, d0, d1, d2, d3, state, p, q, before, last] = *words;
        let [_, _, _, _, c0, c1, c2, c3] = state.to_ne_bytes();
        let [t0, t1, t2, t3, e0, e1, e2, e3] = last.to_ne_bytes();
        let class = u32::from_ne_bytes([c0, c1, c2, c3]);
        (class != 0).then(|| Self {
            cpu,
            row,
            now: Tenant { source: [a, b], packets, class },
            before: Tenant { source: [p, q], packets: before, class: u32::from_ne_bytes([e0, e1, e2, e3]) },
            tenant: u32::from_ne_bytes([t0, t1, t2, t3]),
            destinations: [d0, d1, d2, d3],
        })
    }
}

/// Packets and destinations by source (`None`: those that collided) and whether it looks for industrial services.
type News = BTreeMap<(Option<[u64; 2]>, bool), (u64, [u64; 4])>;

/// What was last read of each row.
#[derive(Clone, Debug, Default)]
pub struct Storms {
    rows: BTreeMap<(usize, u32), Row>,
}

impl Storms {
    /// Takes a reading and returns what is new in it, ordered by source. Rows nobody wrote to are silent.
    pub fn read(&mut self, at: Time, rows: impl IntoIterator<Item = Row>) -> Vec<Storm> {
        let mut news = News::new();
        for row in rows.into_iter().filter(|row| row.now.class != 0) {
            let last = self.rows.insert((row.cpu, row.row), row).unwrap_or_default();
            let passed = row.tenant.wrapping_sub(last.tenant);
            // The end of the source before: of all of it, where more than one came and went unread.
            let seen = if passed == 1 { last.now.packets } else { 0 };
            if passed != 0 && row.before.class != 0 {
                let bitmap = if passed == 1 { last.destinations } else { [0; 4] };
                add(&mut news, &row, &row.before, seen, bitmap);
            }
            let seen = if passed == 0 { last.now.packets } else { 0 };
            add(&mut news, &row, &row.now, seen, row.destinations);
        }
        news.into_iter()
            .map(|((source, industrial), (packets, bitmap))| {
                let destinations = estimate(&bitmap);
                Storm { at, source, industrial, packets, destinations }
            })
            .collect()
    }
}

/// Adds what is new of one tenant of a row.
fn add(news: &mut News, row: &Row, tenant: &Tenant, seen: u64, bitmap: [u64; 4]) {
    let packets = tenant.packets.saturating_sub(seen);
    if packets == 0 {
        return;
    }
    let others = row.row >= sensor_ebpf::storm::ROWS;
    let industrial = Class::from_u8((tenant.class & 0xff) as u8).is_industrial();
    let (sum, destinations) = news.entry(((!others).then_some(tenant.source), industrial)).or_default();
    *sum = sum.saturating_add(packets);
    for (word, more) in destinations.iter_mut().zip(bitmap) {
        *word |= more;
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
        let now = Tenant { source: [0, 9], packets, class: 0x104 };
        Row { cpu, now, tenant: 1, destinations: [bitmap, 0, 0, 0], ..Row::default() }
    }

    #[test]
    fn rows_of_all_cpus_are_one_storm_and_only_what_is_new() {
        let mut storms = Storms::default();
        let first = storms.read(Time(1), [row(0, 10, 0b0011), row(1, 5, 0b0110)]);
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].packets, first[0].destinations, first[0].industrial), (15, 3, true));
        assert!(storms.read(Time(2), [row(0, 10, 0b0011), row(1, 5, 0b0110)]).is_empty());
        let later = storms.read(Time(3), [row(0, 12, 0b0011), row(1, 6, 0b1)]);
        assert_eq!(later[0].packets, 3);
    }

    #[test]
    fn what_a_source_did_before_another_took_its_row_is_told() {
        let mut storms = Storms::default();
        storms.read(Time(1), [row(0, 10, 0b11)]);
        let before = Tenant { packets: 14, ..row(0, 0, 0).now };
        let now = Tenant { source: [0, 8], packets: 3, class: 0x100 };
        let taken = Row { now, before, tenant: 2, ..row(0, 0, 0b1) };
        let told: Vec<_> = storms
            .read(Time(2), [taken])
            .iter()
            .map(|storm| (storm.source, storm.industrial, storm.packets))
            .collect();
        assert_eq!(told, [(Some([0, 8]), false, 3), (Some([0, 9]), true, 4)]);
        assert!(storms.read(Time(3), [taken]).is_empty());
    }

    #[test]
    fn a_row_is_read_from_the_kernel_as_from_memory() {
        let shared = StormRow::default();
        shared.source[1].set(7);
        shared.packets.set(5);
        shared.window.set(3);
        shared.class.set(0x104);
        shared.source_before[1].set(6);
        shared.packets_before.set(2);
        shared.tenant.set(9);
        shared.class_before.set(0x100);
        let words = [0, 7, 5, 0, 0, 0, 0, 0x104 << 32 | 3, 0, 6, 2, 0x100 << 32 | 9];
        assert_eq!(Row::from_words(0, 4, &words.map(u64::from_le)), Some(Row::of(&shared, 4)));
        assert_eq!(Row::from_words(0, 4, &[0; 12]), None);
    }

    #[test]
    fn a_full_bitmap_is_a_bound_not_infinity() {
        assert_eq!(estimate(&[u64::MAX; 4]), 1420);
        assert_eq!(estimate(&[0; 4]), 0);
    }

    #[test]
    fn sources_that_collided_have_no_address_but_something_they_look_for() {
        let others = Row { row: sensor_ebpf::storm::ROWS + 1, ..row(0, 3, 1) };
        let told = Storms::default().read(Time(1), [others]);
        assert_eq!((told[0].source, told[0].industrial), (None, true));
    }
}
