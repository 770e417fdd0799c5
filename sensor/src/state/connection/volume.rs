//! How much passed, and what of it is judged together.

use std::time::Duration;

use super::{Connection, FIRST_MARK, State};
use crate::time::Time;

/// Industrial connections stand for months: their volume is judged and learned by the hour, as if they were as many.
const PART: Duration = Duration::from_secs(3600);

/// Bytes from a client since `told`, less what acknowledges the server's: a segment of 40 to 60 bytes for every one or two
/// of 1500 (RFC 5681 §4.2) is no data.
pub fn net_up(carried: [u64; 2], told: [u64; 2]) -> u64 {
    let ([up, down], [told_up, told_down]) = (carried, told);
    up.saturating_sub(told_up).saturating_sub(down.saturating_sub(told_down) / 32)
}

impl Connection {
    /// Bytes sent out that its conversation was not told of yet.
    pub(crate) fn not_credited(&self) -> u64 {
        net_up(self.legs.map(|leg| leg.bytes), self.credited)
    }

    /// Bytes from client and from server that are judged together, and since when: all of them, or those of an industrial
    /// connection's hour.
    pub fn volume(&self) -> ([u64; 2], Time) {
        let (since, [up, down]) = self.part;
        let [a, b] = self.session_bytes();
        ([a.saturating_sub(up), b.saturating_sub(down)], since)
    }

    /// Bytes of its session from client and from server, whatever connections carried them.
    fn session_bytes(&self) -> [u64; 2] {
        let ([a, b], [beside_a, beside_b]) = (&self.legs, self.aside);
        [a.bytes.saturating_add_signed(beside_a), b.bytes.saturating_add_signed(beside_b)]
    }

    /// So many bytes more of its session passed in another connection; negative: of what passed here so many more belong to
    /// another's.
    pub(crate) fn add_aside(&mut self, bytes: [i64; 2]) {
        for (sum, n) in self.aside.iter_mut().zip(bytes) {
            *sum = sum.saturating_add(n);
        }
    }

    /// Bytes of its session that passed beside it.
    pub fn aside(&self) -> u64 {
        self.aside.iter().fold(0, |sum, n| sum.saturating_add(u64::try_from(*n).unwrap_or(0)))
    }

    /// Whether its bytes belong to another connection's session.
    pub fn is_lent(&self) -> bool {
        self.aside.iter().any(|n| *n < 0)
    }

    /// Whether an hour of an industrial connection is full.
    pub(crate) fn part_is_full(&self, now: Time) -> bool {
        let (since, _) = self.part;
        now.since(since) >= PART && self.state == State::Established && self.is_industrial()
    }

    /// The next hour begins.
    pub(crate) fn next_part(&mut self, now: Time) {
        self.part = (now, self.session_bytes());
        self.volume_mark = FIRST_MARK;
    }
}
