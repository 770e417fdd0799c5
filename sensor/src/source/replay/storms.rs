//! Rows of the storm table as records.

use sensor_ebpf::policy::Class;
use sensor_ebpf::storm::{BITS, StormRow};

use crate::source::Storm;
use crate::time::Time;

/// What was last told of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    window: u32,
    packets: u64,
}

/// What a row tells beyond `told`; `others`: it is the row of sources that collided.
pub(super) fn read(row: &StormRow, others: bool, told: &mut Told, at: Time) -> Option<Storm> {
    let (window, packets) = (row.window.get(), row.packets.get());
    let before = if told.window == window { told.packets } else { 0 };
    let new = packets.checked_sub(before).filter(|new| *new != 0)?;
    *told = Told { window, packets };
    let [a, b] = &row.source;
    Some(Storm {
        at,
        source: (!others).then(|| [a.get(), b.get()]),
        industrial: Class::from_u8((row.class.get() & 0xff) as u8).is_industrial(),
        packets: new,
        destinations: distinct(row.destinations.iter().map(|word| word.get().count_zeros()).sum()),
    })
}

/// Linear counting (Whang, Vander-Zanden, Taylor 1990): n = -m ln V, V the share of the m bits that are empty. A full
/// bitmap says no more than the largest count it could have told.
fn distinct(empty: u32) -> u32 {
    let bits = f64::from(BITS);
    (-bits * (f64::from(empty.max(1)) / bits).ln()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_each_packet_once_and_starts_again_with_its_window() {
        let row = StormRow::default();
        let mut told = Told::default();
        assert_eq!(read(&row, false, &mut told, Time(1)), None);
        row.packets.set(5);
        row.class.set(0x100 | Class::Industrial as u32);
        let storm = read(&row, false, &mut told, Time(2)).unwrap();
        assert_eq!((storm.packets, storm.industrial, storm.source), (5, true, Some([0, 0])));
        assert_eq!(read(&row, false, &mut told, Time(3)), None);
        row.packets.set(7);
        assert_eq!(read(&row, true, &mut told, Time(4)).map(|s| (s.packets, s.source)), Some((2, None)));
        row.window.set(1);
        row.packets.set(3);
        assert_eq!(read(&row, false, &mut told, Time(5)).map(|s| s.packets), Some(3));
    }

    #[test]
    fn distinct_destinations_are_estimated_from_the_empty_bits() {
        assert_eq!(distinct(BITS), 0);
        assert_eq!(distinct(BITS - 1), 1);
        // 100 balls into 256 bins leave 256 (1 - 1/256)^100 = 173 empty.
        assert!((98..=102).contains(&distinct(173)));
        assert_eq!(distinct(0), distinct(1));
    }
}
