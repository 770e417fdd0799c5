//! All rings as one stream in time order.

use sensor_ebpf::record::Header;
use zerocopy::FromBytes as _;

const _: () = assert!(std::mem::offset_of!(Header, ktime) == 0);

/// Where a record stands in the order of all, and where in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ktime: u64,
    ring: u8,
    cpu: u16,
    seq: u32,
    start: usize,
    len: usize,
}

/// Records that wait until nothing older can come.
#[derive(Debug)]
pub struct Merge {
    bytes: Vec<u8>,
    places: Vec<Place>,
    spare: Vec<u8>,
    limit: usize,
    released: u64,
    /// Records that came after their time had passed: delivered, stamped with the time they came at.
    pub late: u64,
    /// Records released before their turn because the buffer was full.
    pub hurried: u64,
    /// What was no record at all.
    pub unreadable: u64,
}

impl Merge {
    /// A buffer for `limit` bytes of records.
    pub const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            places: Vec::new(),
            spare: Vec::new(),
            limit,
            released: 0,
            late: 0,
            hurried: 0,
            unreadable: 0,
        }
    }

    /// Takes a record and returns its time.
    pub fn push(&mut self, record: &[u8]) -> Option<u64> {
        let Ok((header, _)) = Header::read_from_prefix(record) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return None;
        };
        let Header { ktime, ring, cpu, seq, .. } = header;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        let on_time = ktime.max(self.released);
        if ktime < on_time {
            self.late = self.late.saturating_add(1);
            if let Some(stamp) = self.bytes.get_mut(start..).and_then(|record| record.first_chunk_mut::<8>())
            {
                // The header begins with its time.
                *stamp = on_time.to_ne_bytes();
            }
        }
        self.places.push(Place { ktime: on_time, ring, cpu, seq, start, len: record.len() });
        Some(ktime)
    }

    /// Whether the buffer holds as much as it may.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.limit
    }

    /// Gives out what is not younger than `watermark`, oldest first. A full buffer gives out everything.
    pub fn release(&mut self, watermark: u64, mut deliver: impl FnMut(&[u8])) {
        self.places.sort();
        let ready = self.places.partition_point(|place| place.ktime <= watermark);
        let count = if self.is_full() { self.places.len() } else { ready };
        self.hurried = self.hurried.saturating_add(count.saturating_sub(ready) as u64);
        for place in self.places.drain(..count) {
            self.released = self.released.max(place.ktime);
            if let Some(record) =
                place.start.checked_add(place.len).and_then(|end| self.bytes.get(place.start..end))
            {
                deliver(record);
            }
        }
        self.released = self.released.max(watermark);
        if self.places.is_empty() {
            self.bytes.clear();
        } else if count != 0 {
            self.compact();
        }
    }

    /// Keeps only the bytes of what still waits.
    fn compact(&mut self) {
        self.spare.clear();
        for place in &mut self.places {
            let start = self.spare.len();
            if let Some(end) = place.start.checked_add(place.len)
                && let Some(record) = self.bytes.get(place.start..end)
            {
                self.spare.extend_from_slice(record);
            }
            place.start = start;
        }
        std::mem::swap(&mut self.bytes, &mut self.spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes as _;

    fn record(ktime: u64, ring: u8, cpu: u16, seq: u32) -> Vec<u8> {
        Header { ktime, ring, cpu, seq, ..Header::default() }.as_bytes().to_vec()
    }

    fn released(merge: &mut Merge, watermark: u64) -> Vec<(u64, u32)> {
        let mut out = Vec::new();
        merge.release(watermark, |bytes| {
            let header = Header::read_from_bytes(bytes).unwrap();
            out.push((header.ktime, header.seq));
        });
        out
    }

    #[test]
    fn rings_come_out_as_one_stream_in_time_order() {
        let mut merge = Merge::new(1 << 20);
        for (ktime, ring, cpu, seq) in
            [(30, 0, 0, 3), (10, 0, 1, 1), (20, 2, 0, 5), (20, 1, 0, 4), (20, 1, 0, 2)]
        {
            merge.push(&record(ktime, ring, cpu, seq));
        }
        assert_eq!(released(&mut merge, 29), [(10, 1), (20, 2), (20, 4), (20, 5)]);
        assert_eq!(released(&mut merge, 30), [(30, 3)]);
    }

    #[test]
    fn what_is_younger_than_the_watermark_waits() {
        let mut merge = Merge::new(1 << 20);
        merge.push(&record(50, 0, 0, 0));
        merge.push(&record(10, 0, 1, 1));
        assert_eq!(released(&mut merge, 40), [(10, 1)]);
        merge.push(&record(45, 0, 1, 2));
        assert_eq!(released(&mut merge, 60), [(45, 2), (50, 0)]);
        assert_eq!(merge.late, 0);
    }

    #[test]
    fn a_late_record_is_counted_and_never_goes_back_in_time() {
        let mut merge = Merge::new(1 << 20);
        merge.push(&record(50, 0, 0, 0));
        released(&mut merge, 60);
        merge.push(&record(55, 0, 0, 1));
        assert_eq!(released(&mut merge, 70), [(60, 1)]);
        assert_eq!(merge.late, 1);
    }

    #[test]
    fn a_full_buffer_gives_out_everything_and_says_so() {
        let mut merge = Merge::new(64);
        merge.push(&record(90, 0, 0, 1));
        merge.push(&record(80, 0, 0, 0));
        assert!(merge.is_full());
        assert_eq!(released(&mut merge, 10), [(80, 0), (90, 1)]);
        assert_eq!(merge.hurried, 2);
    }

    #[test]
    fn bytes_too_short_for_a_record_are_counted() {
        let mut merge = Merge::new(64);
        assert_eq!(merge.push(&[0; 7]), None);
        assert_eq!(merge.unreadable, 1);
    }
}
