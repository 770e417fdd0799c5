//! One direction of a TCP connection, put in order (RFC 9293, 3.4).
//!
//! Where segments overlap with different bytes, those that came first stand and the conflict is told: an end may have
//! accepted the others. A hole is waited for; when it will not be filled it is a gap, and decoding goes on behind it.
//! Bytes that arrive in order while nothing is kept are handed on without a copy. Everything kept is bounded here for
//! one stream and in [`super::hoard`] for all.

mod held;
#[cfg(test)]
mod tests;

use held::Held;

/// Bytes not consumed by a decoder; more means it does not understand them.
const MAX_BUFFER: usize = 64 << 10;
/// Bytes already handed on that later ones are compared with: about a message of an industrial protocol.
const RECENT: usize = 256;
/// A segment that claims to lie further away than any window seen in plants is forged, or the stream has moved on unseen.
const WINDOW: i32 = 1 << 20;
/// Buffers that grew beyond this give memory back once they are empty.
const SPARE: usize = 2048;

/// Bytes of one direction that no decoder consumed yet.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number of the byte after the buffer.
    next: Option<u32>,
    /// `next` is what a SYN promised; nothing has come yet that bears it out.
    promised: bool,
    buffer: Vec<u8>,
    held: Held,
    /// The end of what was handed on, where `remembers`.
    recent: Vec<u8>,
    remembers: bool,
    gap: bool,
    truncated: bool,
    /// Something was consumed: what arrives in front of it is too late.
    begun: bool,
    /// The hole given up last, as sequence numbers.
    skipped: Option<(u32, u32)>,
    /// Where a segment far outside the window ended.
    stray: Option<u32>,
    /// Holes given up.
    gaps: u32,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed<'a> {
    /// It is in order and nothing waits in front of it: these bytes go on as they are, and what the decoder leaves must be
    /// given to [`Stream::keep`].
    Direct(&'a [u8]),
    /// It was taken in, or is old news.
    Taken,
}

impl Stream {
    /// A stream joined in the middle: what came before is missing.
    pub fn joined() -> Self {
        Self { gap: true, ..Self::default() }
    }

    /// A SYN says where the first byte stands. What already came is believed rather than a SYN that comes late.
    pub const fn begin(&mut self, first: u32) {
        if self.next.is_none() {
            self.next = Some(first);
            self.promised = true;
        }
    }

    /// Adds a segment's payload. `wire_len`: its length on the wire, more than `payload` where the frame was cut. `true`
    /// beside the outcome: its bytes differ from those that came before in the same place.
    pub fn push<'a>(&mut self, seq: u32, payload: &'a [u8], wire_len: usize) -> (Pushed<'a>, bool) {
        let Some(len) = u32::try_from(wire_len).ok().filter(|len| *len > 0) else {
            return (Pushed::Taken, false);
        };
        if std::mem::take(&mut self.promised)
            && self.next.is_some_and(|next| !(-WINDOW..=WINDOW).contains(&(seq.wrapping_sub(next) as i32)))
        {
            // The SYN was forged, or another one counted.
            self.next = Some(seq);
            self.gap = true;
        }
        let next = *self.next.get_or_insert(seq);
        let ahead = seq.wrapping_sub(next) as i32;
        if !(-WINDOW..=WINDOW).contains(&ahead) && !self.follow(seq, len) {
            return (Pushed::Taken, false);
        }
        let next = self.next.unwrap_or(seq);
        let ahead = seq.wrapping_sub(next) as i32;
        if ahead > 0 {
            let conflict = self.held.insert(next, seq, payload, len);
            while self.held.is_full() {
                self.skip_hole();
            }
            return (Pushed::Taken, conflict);
        }
        let seen = next.wrapping_sub(seq);
        if seen >= len {
            return (Pushed::Taken, self.old(seq, seen, payload, len));
        }
        let conflict = self.differs(seen, payload);
        let fresh = payload.get(seen as usize..).unwrap_or_default();
        let whole = payload.len() == wire_len;
        if whole && self.buffer.is_empty() && self.held.is_empty() && !self.truncated {
            self.next = Some(next.wrapping_add(len.saturating_sub(seen)));
            return (Pushed::Direct(fresh), conflict);
        }
        self.append(fresh, len.saturating_sub(seen), whole);
        self.drain_held();
        (Pushed::Taken, conflict)
    }

    /// Keeps what the decoder left of bytes that went on directly; `n` of them are done with.
    pub fn keep(&mut self, direct: &[u8], n: usize) {
        let n = n.min(direct.len());
        if n > 0 {
            self.consumed();
        }
        self.remember(direct.get(..n).unwrap_or_default());
        self.extend(direct.get(n..).unwrap_or_default());
    }

    /// A segment all of whose bytes lie before `next`. Returns whether they differ from those seen there.
    fn old(&mut self, seq: u32, seen: u32, payload: &[u8], len: u32) -> bool {
        let whole = payload.len() == len as usize;
        let front = u32::try_from(self.buffer.len()).ok().filter(|_| !self.begun && !self.truncated);
        if let Some(kept) = front.filter(|kept| whole && seen == kept.saturating_add(len)) {
            // It belongs in front of all that was seen of this stream, and nobody has read that yet.
            let behind = std::mem::take(&mut self.buffer);
            self.next = Some(seq.wrapping_add(len));
            self.extend(payload);
            self.append(&behind, kept, true);
            return false;
        }
        if self.skipped.is_some_and(|(from, to)| seq.wrapping_sub(from) < to.wrapping_sub(from)) {
            // What was given up arrives after all, or the segment that made it seem lost was forged: go back to it.
            self.restart(seq);
            self.append(payload, len, whole);
            return false;
        }
        self.differs(seen, payload)
    }

    /// Compares what a segment repeats with what is remembered of it. `seen`: how far before `next` it begins.
    fn differs(&self, seen: u32, payload: &[u8]) -> bool {
        // A keep-alive repeats one byte, and may put anything in its place (RFC 9293, 3.8.4).
        if self.truncated || seen <= 1 {
            return false;
        }
        let back = self.buffer.iter().rev().chain(self.recent.iter().rev());
        let seen = seen as usize;
        let repeated = payload.get(..seen.min(payload.len())).unwrap_or_default();
        // The last repeated byte stands as far from the end as the segment ends before `next`.
        let distance = seen.saturating_sub(repeated.len());
        back.skip(distance).zip(repeated.iter().rev()).any(|(ours, theirs)| ours != theirs)
    }

    /// A segment far outside the window. One may be forged; a second that goes on where it ended is where the stream is now.
    fn follow(&mut self, seq: u32, len: u32) -> bool {
        let follows = self.stray == Some(seq);
        self.stray = Some(seq.wrapping_add(len));
        if follows {
            self.restart(seq);
            self.held = Held::default();
        }
        follows
    }

    fn restart(&mut self, seq: u32) {
        self.next = Some(seq);
        self.buffer.clear();
        self.recent.clear();
        self.truncated = false;
        self.skipped = None;
        self.stray = None;
        self.gap = true;
        self.gaps = self.gaps.saturating_add(1);
    }

    /// Gives up waiting for a hole, if there is one.
    pub fn skip_hole(&mut self) {
        if let (Some(next), Some(seq)) = (self.next, self.held.front()) {
            self.restart(seq);
            self.skipped = Some((next, seq));
            self.drain_held();
        }
    }

    /// Whether segments wait behind a hole.
    pub const fn has_hole(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the hole will never be filled: the other end has acknowledged bytes of it, so they passed unseen.
    pub fn is_hole_acknowledged(&self, acknowledged: u32) -> bool {
        let beyond = |next: u32| (1..=WINDOW).contains(&(acknowledged.wrapping_sub(next) as i32));
        self.has_hole() && self.next.is_some_and(beyond)
    }

    /// Whether somebody who acknowledges this has seen all of it so far.
    pub fn is_seen_by(&self, acknowledged: u32) -> bool {
        self.next == Some(acknowledged)
    }

    /// Holes given up so far.
    pub const fn gaps(&self) -> u32 {
        self.gaps
    }

    /// From now on the end of what was handed on is kept, so that a repetition with other bytes is noticed.
    pub const fn remember_from_now(&mut self) {
        self.remembers = true;
    }

    /// Bytes in order, not consumed; whether something is missing before them; whether the last frame was cut.
    pub fn view(&self) -> (&[u8], bool, bool) {
        (&self.buffer, self.gap, self.truncated)
    }

    /// Whether something is missing before the next byte.
    pub const fn is_behind_gap(&self) -> bool {
        self.gap
    }

    /// Memory kept, in bytes.
    pub fn kept(&self) -> usize {
        self.buffer.capacity().saturating_add(self.held.bytes()).saturating_add(self.recent.capacity())
    }

    /// The decoder is done with the first `n` bytes.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.buffer.len());
        let mut buffer = std::mem::take(&mut self.buffer);
        self.remember(buffer.get(..n).unwrap_or_default());
        buffer.drain(..n);
        if self.truncated {
            buffer.clear();
        }
        if buffer.is_empty() && buffer.capacity() > SPARE {
            buffer = Vec::new();
        }
        self.buffer = buffer;
        self.consumed();
        if self.truncated {
            self.truncated = false;
            self.gap = true;
            self.recent.clear();
            self.drain_held();
        }
    }

    /// Nobody understands what is in order: forgets it, and goes on behind a gap.
    pub fn discard(&mut self) {
        // What is remembered would stand apart from what comes next.
        self.recent.clear();
        self.buffer = Vec::new();
        self.begun = true;
        self.gap = true;
        self.truncated = false;
        self.drain_held();
    }

    /// Gives all memory back. Where that loses bytes, what comes next stands behind a gap.
    pub fn release(&mut self) {
        self.gap |= !self.buffer.is_empty() || !self.held.is_empty();
        self.begun |= self.gap;
        self.truncated = false;
        self.buffer = Vec::new();
        self.recent = Vec::new();
        self.held = Held::default();
    }

    const fn consumed(&mut self) {
        self.gap = false;
        self.begun = true;
    }

    fn remember(&mut self, bytes: &[u8]) {
        if !self.remembers {
            return;
        }
        let tail = bytes.get(bytes.len().saturating_sub(RECENT)..).unwrap_or_default();
        let over = self.recent.len().saturating_add(tail.len()).saturating_sub(RECENT);
        self.recent.drain(..over.min(self.recent.len()));
        self.recent.extend_from_slice(tail);
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.buffer.len().saturating_add(bytes.len()) > MAX_BUFFER {
            self.buffer = Vec::new();
            self.recent.clear();
            self.gap = true;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// `bytes` follow the buffer; `len` of them were on the wire.
    fn append(&mut self, bytes: &[u8], len: u32, whole: bool) {
        if self.truncated {
            // The cut frame in front was never read: nobody knows the protocol yet.
            self.buffer.clear();
            self.recent.clear();
            self.gap = true;
        }
        self.extend(bytes);
        self.truncated = !whole;
        self.next = self.next.map(|next| next.wrapping_add(len));
    }

    /// Takes what follows in order from behind a hole, up to a frame that was cut: that must be read first.
    fn drain_held(&mut self) {
        while !self.truncated
            && let (Some(next), Some(seq)) = (self.next, self.held.front())
            && next.wrapping_sub(seq) as i32 >= 0
            && let Some(segment) = self.held.pop()
        {
            let seen = next.wrapping_sub(seq);
            if let Some(len) = segment.wire_len.checked_sub(seen).filter(|len| *len > 0) {
                let fresh = segment.bytes.get(seen as usize..).unwrap_or_default();
                self.append(fresh, len, segment.bytes.len() == segment.wire_len as usize);
            }
        }
    }
}
