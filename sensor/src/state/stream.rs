//! One direction of a TCP connection, put in order (RFC 9293 3.4).
//!
//! First bytes win where segments overlap. A hole is waited for as long as the few segments behind it fit; then it is a
//! gap, and decoding goes on behind it. Bounded per stream.

use std::collections::BTreeMap;

/// Segments held behind a hole.
const MAX_HELD: usize = 16;
/// Bytes not consumed by a decoder; more means it does not understand them.
const MAX_BUFFER: usize = 64 << 10;

/// Bytes of one direction that no decoder consumed yet.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number of the byte after the buffer.
    next: Option<u32>,
    buffer: Vec<u8>,
    /// Segments behind a hole, by distance from `origin`.
    held: BTreeMap<u32, (Vec<u8>, usize)>,
    gap: bool,
    truncated: bool,
}

impl Stream {
    /// A stream joined in the middle: what came before is missing.
    pub fn joined() -> Self {
        Self { gap: true, ..Self::default() }
    }

    /// Adds a segment's payload. `wire_len`: its length on the wire, more than `payload` where the frame was cut.
    pub fn push(&mut self, seq: u32, payload: &[u8], wire_len: usize) {
        if wire_len == 0 {
            return;
        }
        let next = *self.next.get_or_insert(seq);
        let ahead = seq.wrapping_sub(next);
        if ahead == 0 || (ahead as i32) < 0 {
            self.append(next.wrapping_sub(seq), payload, wire_len);
            self.drain_held();
        } else if self.held.len() < MAX_HELD {
            self.held.entry(seq).or_insert_with(|| (payload.to_vec(), wire_len));
        }
        if self.held.len() >= MAX_HELD {
            self.skip_hole();
        }
    }

    /// Gives up waiting for a hole, if there is one: called once a second.
    pub fn skip_hole(&mut self) {
        let Some(next) = self.next else { return };
        let nearest = self.held.keys().copied().min_by_key(|seq| seq.wrapping_sub(next));
        if let Some(seq) = nearest {
            self.next = Some(seq);
            self.buffer.clear();
            self.gap = true;
            self.drain_held();
        }
    }

    /// Whether segments wait behind a hole.
    pub fn has_hole(&self) -> bool {
        !self.held.is_empty()
    }

    /// Bytes are missing before the next segment: records were lost.
    pub fn lose(&mut self) {
        *self = Self { gap: true, ..Self::default() };
    }

    /// Bytes in order, not consumed; whether something is missing before them; whether the last frame was cut.
    pub fn view(&self) -> (&[u8], bool, bool) {
        (&self.buffer, self.gap, self.truncated)
    }

    /// The decoder is done with the first `n` bytes.
    pub fn consume(&mut self, n: usize) {
        self.buffer.drain(..n.min(self.buffer.len()));
        self.gap = false;
        if self.truncated {
            self.buffer.clear();
            self.truncated = false;
            self.gap = true;
        }
    }

    /// Forgets what is buffered; what comes next stands behind a gap.
    pub fn discard(&mut self) {
        self.buffer.clear();
        self.gap = true;
        self.truncated = false;
    }

    fn append(&mut self, seen: u32, payload: &[u8], wire_len: usize) {
        let seen = seen as usize;
        if seen >= wire_len {
            return;
        }
        if self.truncated {
            self.discard();
        }
        if let Some(fresh) = payload.get(seen..) {
            if self.buffer.len().saturating_add(fresh.len()) > MAX_BUFFER {
                self.discard();
            }
            self.buffer.extend_from_slice(fresh);
        }
        self.truncated = payload.len() < wire_len;
        let added = u32::try_from(wire_len.saturating_sub(seen)).unwrap_or(u32::MAX);
        self.next = self.next.map(|next| next.wrapping_add(added));
    }

    fn drain_held(&mut self) {
        while let Some(next) = self.next {
            let Some(seq) = self.held.keys().copied().find(|seq| next.wrapping_sub(*seq) as i32 >= 0) else {
                return;
            };
            if let Some((payload, wire_len)) = self.held.remove(&seq) {
                self.append(next.wrapping_sub(seq), &payload, wire_len);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_out_of_order_and_repeated_give_each_byte_once() {
        let mut stream = Stream::default();
        for (seq, bytes) in [(100, &b"abc"[..]), (106, b"ghi"), (100, b"abc"), (103, b"def"), (105, b"fghij")]
        {
            stream.push(seq, bytes, bytes.len());
        }
        assert_eq!(stream.view(), (&b"abcdefghij"[..], false, false));
    }

    #[test]
    fn a_hole_that_stays_is_a_gap() {
        let mut stream = Stream::default();
        stream.push(u32::MAX - 1, b"ab", 2);
        stream.push(4, b"later", 5);
        assert_eq!(stream.view().0, b"ab");
        stream.skip_hole();
        assert_eq!(stream.view(), (&b"later"[..], true, false));
    }

    #[test]
    fn bytes_behind_a_cut_frame_stand_behind_a_gap() {
        let mut stream = Stream::default();
        stream.push(0, b"ab", 10);
        assert_eq!(stream.view(), (&b"ab"[..], false, true));
        stream.push(10, b"cd", 2);
        assert_eq!(stream.view(), (&b"cd"[..], true, false));
    }
}
