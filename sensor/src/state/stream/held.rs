//! Segments that came before what stands in front of them.

/// Segments held behind a hole.
const MAX_SEGMENTS: usize = 64;
/// Payload bytes held behind a hole, about a TCP window without scaling.
const MAX_BYTES: usize = 64 << 10;

/// A piece of the sequence space.
#[derive(Debug)]
pub struct Segment {
    /// Sequence number of its first byte.
    pub seq: u32,
    /// What was captured of it.
    pub bytes: Vec<u8>,
    /// Its length on the wire.
    pub wire_len: u32,
}

/// Pieces that do not overlap, by distance from a sequence number in front of them all.
#[derive(Debug, Default)]
pub struct Held {
    segments: Vec<Segment>,
    bytes: usize,
}

impl Held {
    pub const fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Memory kept.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds more than a hole is worth.
    pub const fn is_full(&self) -> bool {
        self.segments.len() > MAX_SEGMENTS || self.bytes > MAX_BYTES
    }

    /// Where the nearest piece begins.
    pub fn front(&self) -> Option<u32> {
        self.segments.first().map(|segment| segment.seq)
    }

    /// Takes the nearest piece.
    pub fn pop(&mut self) -> Option<Segment> {
        if self.segments.is_empty() {
            return None;
        }
        let segment = self.segments.remove(0);
        self.bytes = self.bytes.saturating_sub(segment.bytes.len());
        Some(segment)
    }

    /// Keeps what is new of a segment ahead of `next`. Returns whether the rest differs from what is held: what came first
    /// stays.
    pub fn insert(&mut self, next: u32, seq: u32, payload: &[u8], wire_len: u32) -> bool {
        let (start, mut conflict) = (seq.wrapping_sub(next), false);
        let end = start.saturating_add(wire_len);
        // Payload bytes of the distances from..to, as far as they were captured.
        let cut = |from: u32, to: u32| {
            let at = |distance: u32| (distance.saturating_sub(start) as usize).min(payload.len());
            payload.get(at(from)..at(to)).unwrap_or_default()
        };
        let mut covered = start;
        let mut fresh = Vec::new();
        for segment in &self.segments {
            let from = segment.seq.wrapping_sub(next);
            let to = from.saturating_add(segment.wire_len);
            if to <= covered {
                continue;
            }
            if from >= end {
                break;
            }
            if from > covered {
                fresh.push((covered, from));
            }
            let (low, high) = (covered.max(from), end.min(to));
            let ours = segment.bytes.get(low.saturating_sub(from) as usize..).unwrap_or_default();
            conflict |= ours.iter().zip(cut(low, high)).any(|(a, b)| a != b);
            covered = covered.max(to);
        }
        if covered < end {
            fresh.push((covered, end));
        }
        for (from, to) in fresh {
            let bytes = cut(from, to).to_vec();
            self.bytes = self.bytes.saturating_add(bytes.len());
            let segment = Segment { seq: next.wrapping_add(from), bytes, wire_len: to.saturating_sub(from) };
            let at = self.segments.partition_point(|held| held.seq.wrapping_sub(next) < from);
            self.segments.insert(at, segment);
        }
        conflict
    }
}
