//! Frames of the last minutes, in bounded memory.

use std::collections::VecDeque;

use sensor_ebpf::record::Ring;

use crate::source::FrameEvent;
use crate::state::SiteAddr;

/// How far apart two copies of one frame may be stamped, in nanoseconds: one function shipped both.
const TWIN: u64 = 100_000;
/// Frames looked back for a twin.
const TWIN_WITHIN: usize = 16;

/// A frame that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Counts frames in the order they came.
    pub id: u64,
    /// Nanoseconds since the epoch.
    pub at: u64,
    /// Source and destination, as the engine calls them.
    pub ends: [SiteAddr; 2],
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Interface slot.
    pub slot: u8,
    ring: Ring,
    /// A longer copy of the same frame was kept instead.
    twin: bool,
    start: u64,
    len: u16,
}

/// The frames.
#[derive(Debug)]
pub struct Memory {
    kept: VecDeque<Kept>,
    bytes: VecDeque<u8>,
    /// Offset of the first byte that is still kept, of all that ever were.
    base: u64,
    next: u64,
    limit: usize,
    age: u64,
}

impl Memory {
    /// Of `limit` bytes, for `age` nanoseconds.
    pub const fn new(limit: usize, age: u64) -> Self {
        Self { kept: VecDeque::new(), bytes: VecDeque::new(), base: 0, next: 0, limit, age }
    }

    /// Bytes in use.
    pub fn held(&self) -> usize {
        self.kept.len().saturating_mul(size_of::<Kept>()).saturating_add(self.bytes.len())
    }

    /// Frames kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// The number the next frame gets.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Keeps a frame between two ends; what is too old, or too much, goes.
    pub fn keep(&mut self, event: &FrameEvent<'_>, ends: [SiteAddr; 2]) {
        let len = event.frame.len().min(usize::from(u16::MAX));
        let frame = event.frame.get(..len).unwrap_or_default();
        if event.ring == Ring::Evidence {
            self.replace_twin(event, frame);
        }
        self.kept.push_back(Kept {
            id: self.next,
            at: event.at.0,
            ends,
            wire_len: event.wire_len,
            slot: event.key.slot(),
            ring: event.ring,
            twin: false,
            start: self.base.saturating_add(self.bytes.len() as u64),
            len: len as u16,
        });
        self.bytes.extend(frame);
        self.next = self.next.saturating_add(1);
        let oldest = event.at.0.saturating_sub(self.age);
        while self.kept.front().is_some_and(|first| first.at < oldest || self.held() > self.limit) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(first) = self.kept.pop_front() else { return };
        let len = usize::from(first.len).min(self.bytes.len());
        self.bytes.drain(..len);
        self.base = self.base.saturating_add(len as u64);
    }

    /// A watched host's frame comes twice: as what its flow is worth, and whole.
    fn replace_twin(&mut self, event: &FrameEvent<'_>, frame: &[u8]) {
        let recent = self.kept.len().saturating_sub(TWIN_WITHIN);
        let found = self.kept.iter().enumerate().skip(recent).rev().find(|(_, kept)| {
            kept.ring != Ring::Evidence
                && !kept.twin
                && kept.wire_len == event.wire_len
                && event.at.0.saturating_sub(kept.at) <= TWIN
                && self.bytes_of(kept).eq(frame.iter().take(usize::from(kept.len)).copied())
        });
        if let Some((at, _)) = found
            && let Some(kept) = self.kept.get_mut(at)
        {
            kept.twin = true;
        }
    }

    /// Frames from number `id` on, or from the first that is kept.
    pub fn from(&self, id: u64) -> impl Iterator<Item = &Kept> {
        let first = self.kept.front().map_or(self.next, |first| first.id);
        let skip = usize::try_from(id.saturating_sub(first)).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(skip..).filter(|kept| !kept.twin)
    }

    fn bytes_of(&self, kept: &Kept) -> impl Iterator<Item = u8> {
        let start = usize::try_from(kept.start.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let start = start.min(self.bytes.len());
        let end = start.saturating_add(usize::from(kept.len)).min(self.bytes.len());
        self.bytes.range(start..end).copied()
    }

    /// The frame itself.
    pub fn frame(&self, kept: &Kept) -> Vec<u8> {
        self.bytes_of(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::state::Segment;
    use crate::time::Time;
    use sensor_ebpf::flow::FlowKey;

    const ENDS: [SiteAddr; 2] = [SiteAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Segment::SITE); 2];

    fn event(at: u64, ring: Ring, frame: &[u8], wire_len: u32) -> FrameEvent<'_> {
        let key = FlowKey { src: [0, 1], dst: [0, 2], ..FlowKey::default() };
        FrameEvent {
            at: Time(at),
            key,
            ring,
            frame,
            payload_at: 0,
            payload_len: 0,
            wire_len,
            flags: 0,
            notes: 0,
        }
    }

    fn frames(memory: &Memory) -> Vec<Vec<u8>> {
        memory.from(0).map(|kept| memory.frame(kept)).collect()
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_first_in_first_out() {
        let mut memory = Memory::new(3 * (size_of::<Kept>() + 4), 100);
        for (at, byte) in [(10, 1), (20, 2), (90, 3), (115, 4)] {
            memory.keep(&event(at, Ring::Access, &[byte; 4], 4), ENDS);
        }
        assert_eq!(frames(&memory), [[2; 4], [3; 4], [4; 4]]);
        memory.keep(&event(150, Ring::Access, &[5], 1), ENDS);
        assert_eq!(frames(&memory), [vec![3; 4], vec![4; 4], vec![5]]);
        assert!(memory.held() <= 3 * (size_of::<Kept>() + 4));
        assert_eq!(memory.from(4).count(), 1);
        assert_eq!(memory.from(99).count(), 0);
    }

    #[test]
    fn of_a_frame_that_comes_twice_the_whole_one_is_kept() {
        let mut memory = Memory::new(1 << 20, u64::MAX);
        memory.keep(&event(1000, Ring::Industrial, &[1, 2], 4), ENDS);
        memory.keep(&event(1500, Ring::Industrial, &[9, 2], 4), ENDS);
        memory.keep(&event(2000, Ring::Evidence, &[1, 2, 3, 4], 4), ENDS);
        assert_eq!(frames(&memory), [vec![9, 2], vec![1, 2, 3, 4]]);
        // The same again later is another packet.
        memory.keep(&event(900_000, Ring::Evidence, &[9, 2, 3, 4], 4), ENDS);
        assert_eq!(frames(&memory).len(), 3);
    }

    #[test]
    fn a_frame_larger_than_all_memory_does_no_harm() {
        let mut memory = Memory::new(10, u64::MAX);
        memory.keep(&event(1, Ring::Access, &[1; 100], 100), ENDS);
        assert_eq!((memory.len(), memory.held()), (0, 0));
        memory.keep(&event(2, Ring::Access, &[], 0), ENDS);
        assert_eq!(memory.next(), 2);
    }
}
